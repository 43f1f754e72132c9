"""Tinker in training: the real SDK, and the stand-in service on the demo model."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tinker_sdk import leaves_connections, tinker_connected, tinker_sampling
from token_difr.engine.loading import load_engine
from token_difr.errors import AnswerError, InputError
from token_difr.sequences import load_tokenizer
from token_difr.server.model.folder import DEMO, ModelFolder
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


@pytest.fixture
def training(service: TinkerService) -> Iterator[Any]:
    """A training client of the SDK."""
    with tinker_connected(service) as connected:
        yield connected.create_lora_training_client(base_model="demo").result()


def probability(client: Any, token: int) -> float:
    """Of a token after the prompt."""
    (value,) = asyncio.run(reference_logprobs(client, PROMPT, [token]))
    return float(np.exp(value))


@pytest.mark.parametrize("loss", ["ppo", "importance_sampling", "cross_entropy", "custom"])
def test_a_policy_learns(training: Any, loss: str) -> None:
    """By each loss of the SDK, and one of the user's own, a token that is rewarded becomes likelier, step by step."""
    tinker = pytest.importorskip("tinker")
    token = 77
    policies = [training.save_weights_and_get_sampling_client().result()]
    for _ in range(2):
        (q,) = asyncio.run(reference_logprobs(policies[-1], PROMPT, [token]))
        datum = training_datum(PROMPT, [token], logprobs=[q], advantages=1.0)
        if loss == "cross_entropy":
            weights = datum.loss_fn_inputs["advantages"]
            fields = {"target_tokens": datum.loss_fn_inputs["target_tokens"], "weights": weights}
            datum = tinker.types.Datum(model_input=datum.model_input, loss_fn_inputs=fields)
        if loss == "custom":
            reference = [np.array([np.nan, np.nan, q])]
            done = training.forward_backward_custom([datum], kl_penalty_loss(reference, weight=0.1)).result()
        else:
            done = training.forward_backward([datum], loss).result()
        assert done.loss_fn_outputs[0]["logprobs"].to_numpy()[-1] == pytest.approx(q, abs=1e-3)
        assert np.isfinite(done.metrics["loss:sum"])
        stepped = training.optim_step(tinker.types.AdamParams(learning_rate=0.5)).result()
        assert stepped.metrics["grad_norm"] > 0
        policies.append(training.save_weights_and_get_sampling_client().result())
    first, second, third = (probability(policy, token) for policy in policies)
    assert first < second < third


def test_ppo_holds_a_policy_that_has_moved(training: Any) -> None:
    """Beyond the clipping thresholds, which the request may set, there is no gradient."""
    tinker = pytest.importorskip("tinker")
    (q,) = asyncio.run(reference_logprobs(training.save_weights_and_get_sampling_client().result(), PROMPT, [77]))
    moved = training_datum(PROMPT, [77], logprobs=[q - 1], advantages=1.0)  # the ratio is e
    step = tinker.types.AdamParams(learning_rate=0.1)
    for config, held in ((None, True), ({"clip_low_threshold": 0.5, "clip_high_threshold": 3.0}, False)):
        training.forward_backward([moved], "ppo", config).result()
        assert (training.optim_step(step).result().metrics["grad_norm"] == 0) == held


def test_data_that_do_not_fit_a_loss(training: Any) -> None:
    """The service says what the loss takes: the real one takes no field that it does not know either."""
    pytest.importorskip("tinker")
    datum = training_datum(PROMPT, [77], logprobs=[-1.0], advantages=1.0, mask=[1.0])
    with pytest.raises(
        Exception, match="ppo takes advantages, logprobs, target_tokens, not advantages, logprobs, mask"
    ):
        training.forward_backward([datum], "ppo").result()
