"""Tinker as provider and in training: the real SDK, and the stand-in service on the demo model."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tinker_sdk import leaves_connections, tinker_sampling
from token_difr.errors import AnswerError, InputError
from token_difr.rollouts import RolloutsClient
from token_difr.sequences import load_tokenizer, render
from token_difr.server.model.engine.loading import load_engine
from token_difr.server.model.folder import DEMO, ModelFolder
from token_difr.testing.loopback import serving
from token_difr.testing.tinker_service import TinkerService, engine_logprobs
from token_difr.tinker.training import kl_penalty_loss, reference_logprobs, sample, training_datum

pytestmark = list(leaves_connections)
PROMPT = [1, 359, 267]


@pytest.fixture(scope="module")
def service() -> TinkerService:
    """The demo model behind Tinker's protocol."""
    return TinkerService(engine_logprobs(load_engine(ModelFolder.open(DEMO).path)))


@pytest.fixture
def client(service: TinkerService) -> Iterator[Any]:
    """A sampling client of the SDK."""
    with tinker_sampling(service) as made:
        yield made.result() if hasattr(made, "result") else made


def test_rollouts_through_the_sdk(service: TinkerService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Conversations are rendered here, seeds and stops are sent, and the second call costs nothing."""
    pytest.importorskip("tinker")
    monkeypatch.setenv("TINKER_TELEMETRY", "0")
    with serving(service) as url:
        monkeypatch.setenv("TINKER_BASE_URL", url)
        drawing = RolloutsClient(
            "demo",
            provider="tinker",
            tokenizer="demo",
            api_key="tml-not-a-key",
            cache_dir=tmp_path,
            logprobs=0,
            max_tokens=5,
            top_k=50,
            stop=[2],
            progress_bar=False,
        )
        before = len(service.requests)
        first = drawing.generate("What is a list?", 3)
        again = drawing.generate("What is a list?", 3)
        asked = service.requests[before:]
        with pytest.raises(InputError, match="does not have min_p"):
            drawing.generate("x", min_p=0.1)
        with pytest.raises(InputError, match="of no others"):
            drawing.generate("x", logprobs=3)
        drawing.close()
    tokenizer = load_tokenizer("demo")
    assert len(asked) == 3
    assert sorted(body["sampling_params"]["seed"] for body in asked) == [0, 1, 2]
    assert asked[0]["sampling_params"]["stop"] == [2]
    prompt = render([{"role": "user", "content": "What is a list?"}], tokenizer)
    assert asked[0]["prompt"]["chunks"][0]["tokens"] == prompt
    assert first.get_texts() == again.get_texts()
    assert all(response.cached for response in again)
    for response in first:
        assert response.token_ids is not None
        assert response.full == tokenizer.decode(response.token_ids, skip_special_tokens=True)
        assert len(response.get_generation_logprobs() or ()) == len(response.token_ids)


def test_samples_have_text_and_logprobs(client: Any) -> None:
    """What the SDK's sequences lack is there, and the reference gives the same logprobs."""
    tokenizer = load_tokenizer("demo")
    drawn = asyncio.run(sample(client, tokenizer, PROMPT, n_samples=2, max_tokens=6, seed=5))
    assert [each.text for each in drawn] == [tokenizer.decode(each.token_ids) for each in drawn]
    assert [len(each.logprobs) for each in drawn] == [6, 6]
    reference = asyncio.run(reference_logprobs(client, PROMPT, drawn[0].token_ids))
    assert reference == pytest.approx(drawn[0].logprobs, abs=2e-4)


def test_reference_without_values() -> None:
    """None at position 0 is the prompt's; None for the answer, or another length, is an error."""
    pytest.importorskip("tinker")

    def client_of(values: list[float | None]) -> Any:
        return SimpleNamespace(compute_logprobs=lambda _: SimpleNamespace(result=lambda: values))

    assert asyncio.run(reference_logprobs(client_of([None, -1.0, -2.0]), [5], [6, 7])).tolist() == [-1.0, -2.0]
    with pytest.raises(AnswerError, match="no logprob for a token"):
        asyncio.run(reference_logprobs(client_of([None, None]), [5], [6]))
    with pytest.raises(AnswerError, match="1 logprobs for 2 tokens"):
        asyncio.run(reference_logprobs(client_of([None]), [5], [6]))
    with pytest.raises(InputError, match="at least one prompt token"):
        asyncio.run(reference_logprobs(client_of([None]), [], [6]))


def test_datum_is_shifted_and_padded() -> None:
    """Input without the last token, targets without the first, and zeros for the prompt's P - 1 places."""
    pytest.importorskip("tinker")
    datum = training_datum([1, 2, 3], [4, 5], logprobs=[-0.5, -1.5], advantages=2.0, mask=[1, 0])
    assert datum.model_input.to_ints() == [1, 2, 3, 4]
    fields = {name: tensor.to_numpy().tolist() for name, tensor in datum.loss_fn_inputs.items()}
    assert fields == {
        "target_tokens": [2, 3, 4, 5],
        "logprobs": [0, 0, -0.5, -1.5],
        "advantages": [0, 0, 2, 0],
        "mask": [0, 0, 1, 0],
    }
    assert "mask" not in training_datum([1], [2], logprobs=[-1], advantages=[1]).loss_fn_inputs


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"logprobs": [-1.0]}, r"logprobs has shape \[1\], but the response has 2 tokens"),
        ({"advantages": [1.0, 2.0, 3.0]}, "advantages has shape"),
        ({"mask": [1.0]}, "mask has shape"),
        ({"logprobs": [-1.0, float("nan")]}, "not finite, at 1"),
    ],
)
def test_lengths_are_checked(changes: dict[str, Any], words: str) -> None:
    """A field that does not fit the response is named."""
    pytest.importorskip("tinker")
    fields: dict[str, Any] = {"logprobs": [-1.0, -2.0], "advantages": 1.0, **changes}
    with pytest.raises(InputError, match=words):
        training_datum([1], [2, 3], **fields)
    with pytest.raises(InputError, match="0 and 1 tokens"):
        training_datum([], [2], logprobs=[-1.0], advantages=1.0)


def test_custom_loss() -> None:
    """The worked loss: its value and its gradient, by hand."""
    pytest.importorskip("tinker")
    import torch

    datum = training_datum([1, 2], [3, 4], logprobs=[-1.0, -2.0], advantages=[1.0, -0.5])
    reference = np.array([np.nan, -1.5, -2.5])
    p = torch.tensor([-9.0, -1.2, -2.2], requires_grad=True)
    loss, metrics = kl_penalty_loss([reference], weight=0.1)([datum], [p])
    loss.backward()
    ratio = np.exp(np.array([-0.2, -0.2]))
    off = np.array([-0.3, -0.3])
    gain, kl = (ratio * np.array([1.0, -0.5])).sum(), (np.expm1(off) - off).sum()
    assert metrics == pytest.approx({"gain": gain, "kl": kl}, rel=1e-5)
    assert float(loss.detach()) == pytest.approx(0.1 * kl - gain, rel=1e-5)
    expected = -ratio * np.array([1.0, -0.5]) - 0.1 * np.expm1(off)
    assert p.grad is not None
    assert p.grad.tolist() == pytest.approx([0.0, *expected], rel=1e-5)
