"""The driver of all answers: what every form of an answer has in common."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from token_difr.server import ModelService, ServerSettings
from token_difr.server.answers.answer import Answer
from token_difr.server.answers.chat import chat_answer
from token_difr.server.answers.completions import completion_answer
from token_difr.server.answers.generate import generate_answer
from token_difr.server.answers.requests.bodies import ChatRequest, CompletionRequest
from token_difr.server.answers.requests.error import ApiError
from token_difr.server.answers.requests.sglang import GenerateRequest
from token_difr.server.answers.served_model import ServedModel
from token_difr.server.generation.generation import FinishReason
from token_difr.server.model.folder import DEMO, ModelFolder
from token_difr.testing.scripted_engine import ScriptedEngine

Made = Callable[[ServedModel], Answer]
MESSAGES: list[Any] = [{"role": "user", "content": "x"}]


def _chat(model: ServedModel) -> Answer:
    return chat_answer(ChatRequest(messages=MESSAGES, n=2), model, traced=False)


def _completion(model: ServedModel) -> Answer:
    return completion_answer(CompletionRequest(prompt="x", n=2), model, traced=False)


def _generate(model: ServedModel) -> Answer:
    return generate_answer(GenerateRequest(text=["x", "y"]), model)


@pytest.fixture(scope="module")
def model(folder: ModelFolder) -> ServedModel:
    return ModelService(ServerSettings(model=DEMO), ScriptedEngine([1], folder.tokenizer.size)).served_model()


@pytest.mark.parametrize("make", [_chat, _completion, _generate])
async def test_a_failed_sequence_fails_the_answer(model: ServedModel, make: Made) -> None:
    """Whole or at the end of a stream it is HTTP 500, which keeps what failed to itself."""
    answer = make(model)
    answer.sequences.generations[0].finish(FinishReason.STOP)
    answer.sequences.generations[1].fail(ZeroDivisionError("a secret detail"))

    assert answer.sequences.done
    for read in (answer.whole, lambda: list(answer.closing_events())):
        with pytest.raises(ApiError) as raised:
            read()
        assert raised.value.status == 500
        assert "secret" not in str(raised.value)
        assert isinstance(raised.value.__cause__, ZeroDivisionError)


@pytest.mark.parametrize("make", [_chat, _completion, _generate])
async def test_changes_are_told_and_leavers_cancel(model: ServedModel, make: Made) -> None:
    """The end of a sequence sets the request's event; cancelling reaches every sequence of the request."""
    answer = make(model)
    answer.sequences.attach(asyncio.get_running_loop())

    assert not answer.sequences.done
    answer.sequences.generations[0].finish(FinishReason.STOP)
    await answer.sequences.changed.wait()
    answer.sequences.cancel()

    assert all(generation.cancelled for generation in answer.sequences.generations)
    assert len(answer.sequences.generations) == 2
