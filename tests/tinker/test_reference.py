"""Tinker's real SDK against the stand-in service on the demo model."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tinker_sdk import leaves_connections, tinker_sampling
from token_difr.engine.loading import load_engine
from token_difr.errors import AnswerError, InputError
from token_difr.records import TokenSequence, TopKBatch
from token_difr.reference import Unread, VllmReference
from token_difr.server.model.folder import DEMO, ModelFolder
from token_difr.services import open_client
from token_difr.testing.tinker_service import TinkerService, engine_logprobs
from token_difr.tinker import TinkerReference

pytestmark = list(leaves_connections)

K = 5


@pytest.fixture(scope="module")
def logprobs() -> Any:
    return engine_logprobs(load_engine(ModelFolder.open(DEMO).path))


@contextmanager
def sampling_client(service: TinkerService) -> Iterator[Any]:
    with tinker_sampling(service) as made:
        yield made.result() if hasattr(made, "result") else made


def expected(url: str, sequences: list[TokenSequence]) -> TopKBatch:
    async def work() -> TopKBatch:
        async with open_client(url, max_retries=0) as client:
            return await VllmReference(client, "demo", topk_logprobs=K).topk(sequences, progress=False)

    return asyncio.run(work())


def test_same_rows_as_a_server(logprobs: Any, demo_url: str, demo_sequences: list[TokenSequence]) -> None:
    """Ids, logprobs and claimed logprobs; only the output is scored; padding is gone."""
    service = TinkerService(logprobs, pending_polls=1)
    with sampling_client(service) as client:
        reference = TinkerReference(client, "demo", topk_logprobs=K)
        batch = asyncio.run(reference.topk(demo_sequences, progress=False))
    wanted = expected(demo_url, demo_sequences)

    assert batch.token_ids.tolist() == wanted.token_ids.tolist()
    assert batch.logprobs == pytest.approx(wanted.logprobs, abs=2e-4)
    assert batch.indptr.tolist() == wanted.indptr.tolist()
    assert batch.claimed_logprob == pytest.approx(wanted.claimed_logprob, abs=2e-4, nan_ok=True)
    asked = {len(s.output_token_ids) for s in demo_sequences}
    assert {body["prompt_logprobs_last_n"] for body in service.requests} == asked


def test_refused_topk_is_halved(logprobs: Any, demo_sequences: list[TokenSequence]) -> None:
    """The service's own limit is found by asking, with a warning."""
    with sampling_client(TinkerService(logprobs, largest_topk=6)) as client:
        reference = TinkerReference(client, "demo", topk_logprobs=20)
        with pytest.warns(UserWarning, match="refused"):
            batch = asyncio.run(reference.topk(demo_sequences[:1], progress=False))

    assert reference.topk_logprobs == 5
    assert np.diff(batch.indptr).tolist() == [5] * len(batch)


class OlderClient:
    """A client whose SDK has no ``prompt_logprobs_last_n``, gives lists, and a future that cannot be awaited."""

    def __init__(self, answer: Any) -> None:
        self._answer = answer

    def sample(
        self,
        prompt: Any,
        num_samples: int,
        sampling_params: Any,
        include_prompt_logprobs: bool = False,
        topk_prompt_logprobs: int = 0,
    ) -> Any:
        """The one answer."""
        del prompt, num_samples, sampling_params, include_prompt_logprobs, topk_prompt_logprobs
        return SimpleNamespace(result=lambda: self._answer)


def test_older_sdks() -> None:
    """Lists of pairs, None at 0, padding cells and a claimed token outside the top."""
    pytest.importorskip("tinker")
    rows = [None, [(7, -0.5), (0, -99999.0)], [(8, -0.25), (9, -2.0)]]
    answer = SimpleNamespace(prompt_logprobs=[None, -0.5, -6.0], topk_prompt_logprobs=rows)
    reference = TinkerReference(OlderClient(answer), "m", topk_logprobs=2)
    batch = asyncio.run(reference.topk([TokenSequence([5], [7, 3])], progress=False))

    assert batch.indptr.tolist() == [0, 1, 3]
    assert batch.token_ids.tolist() == [7, 8, 9]
    assert math.isnan(batch.claimed_logprob[0])
    assert batch.claimed_logprob[1] == -6.0
    answer.prompt_logprobs.pop()
    with pytest.raises(AnswerError, match="2 rows for 3 tokens"):
        asyncio.run(reference.topk([TokenSequence([5], [7, 3])], progress=False))


async def test_a_refused_sequence_lowers_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """However few logprobs are asked for, it is refused: that is its own fault, and the others get as many as before."""
    tinker = pytest.importorskip("tinker")
    refusal = tinker.RequestFailedError.__new__(tinker.RequestFailedError)
    refusal.args, refusal.category = ("too long",), "user"
    rows = SimpleNamespace(prompt_logprobs=[None, -0.5], topk_prompt_logprobs=[None, [(7, -0.5)]])
    reference = TinkerReference(OlderClient(rows), "m", topk_logprobs=8)
    asked = []

    async def sample(sent: list[int], _prompt_length: int, topk: int) -> Any:
        asked.append(topk)
        if len(sent) > 2:
            raise refusal
        return rows

    monkeypatch.setattr(reference, "_sample", sample)
    sequences = [TokenSequence([5], [7, 7] if n == 0 else [7]) for n in range(10)]
    read = await reference.read(sequences, concurrency=1, progress=False)
    assert [isinstance(read[n], Unread) for n in range(10)] == [True, *[False] * 9]
    assert asked == [8, 4, 2, 1, *[8] * 9]


def test_too_old_sdk() -> None:
    """An SDK without top-k logprobs of prompts is named."""
    pytest.importorskip("tinker")
    client = SimpleNamespace(sample=lambda prompt: prompt)
    with pytest.raises(InputError, match=r"0\.28\.1 or newer"):
        TinkerReference(client, "m")
