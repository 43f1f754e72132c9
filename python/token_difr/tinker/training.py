"""Tinker in training: samples with their text, the reference's logprobs of them, and data to train on.

The SDK's ways that go wrong most easily are done once, here: there is no text in a sampled sequence, logprobs of a prompt
begin with None, and a datum's targets are shifted by one against its input. Needs the extra ``tinker``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from token_difr.errors import AnswerError, InputError
from token_difr.tinker.sdk import result_of

if TYPE_CHECKING:
    from token_difr.sequences import Tokenizer

__all__ = ["TinkerSample", "kl_penalty_loss", "reference_logprobs", "sample", "training_datum"]


@dataclass(frozen=True, kw_only=True)
class TinkerSample:
    """One sampled answer.

    Attributes:
        prompt_token_ids: What was asked.
        token_ids: What was answered.
        text: The same as text, special tokens included.
        logprobs: float64 [tokens]: of each token under the policy that drew it; NaN where unknown.
        stop_reason: "stop" or "length".
    """

    prompt_token_ids: list[int]
    token_ids: list[int]
    text: str
    logprobs: NDArray[np.float64]
    stop_reason: str


async def sample(
    client: Any,
    tokenizer: Tokenizer,
    prompt_token_ids: Sequence[int],
    *,
    n_samples: int = 1,
    max_tokens: int = 1024,
    temperature: float = 1.0,
    top_k: int = 0,
    top_p: float = 1.0,
    seed: int | None = None,
    stop: str | Sequence[str] | Sequence[int] | None = None,
) -> list[TinkerSample]:
    """Sample answers to one prompt.

    Args:
        client: The SDK's ``SamplingClient``.
        tokenizer: The model's tokenizer.
        prompt_token_ids: The prompt, rendered.
        n_samples: How many.
        max_tokens: Longest answer.
        temperature: 0 = greedy.
        top_k: 0 = off.
        top_p: 1 = off.
        seed: None = another one each time.
        stop: Strings or token ids at which answers end; None = the model's end token.

    Raises:
        EndpointError: The service failed.
    """
    from tinker import types

    prompt = [int(token) for token in prompt_token_ids]
    options: dict[str, Any] = {
        "max_tokens": max_tokens,
        "temperature": temperature,
        "top_k": top_k or -1,
        "top_p": top_p,
    }
    params = types.SamplingParams(**options, seed=seed, stop=stop)
    answer = await result_of(
        lambda: client.sample(prompt=types.ModelInput.from_ints(prompt), num_samples=n_samples, sampling_params=params),
        "sampling",
    )
    return [_made(prompt, sequence, tokenizer) for sequence in answer.sequences]


async def reference_logprobs(
    client: Any, prompt_token_ids: Sequence[int], response_token_ids: Sequence[int]
) -> NDArray[np.float64]:
    """Logprobs of an answer's tokens under a reference, float64 [tokens of the answer].

    Args:
        client: The SDK's ``SamplingClient`` of the reference.
        prompt_token_ids: What was asked.
        response_token_ids: What was answered.

    Raises:
        AnswerError: Not one logprob a token came back, or None for a token of the answer.
        EndpointError: The service failed.
    """
    from tinker import types

    whole = [int(token) for token in [*prompt_token_ids, *response_token_ids]]
    if not len(prompt_token_ids):
        raise InputError("without a prompt the first token has no logprob: give at least one prompt token")
    given = await result_of(lambda: client.compute_logprobs(types.ModelInput.from_ints(whole)), "logprobs")
    if len(given) != len(whole):
        raise AnswerError(f"tinker gave {len(given)} logprobs for {len(whole)} tokens")
    answer = list(given)[len(prompt_token_ids) :]  # entry 0 of all is None: nothing comes before the first token
    if any(value is None for value in answer):
        raise AnswerError("tinker gave no logprob for a token of the answer")
    return np.array(answer, dtype=np.float64)


def training_datum(
    prompt_token_ids: Sequence[int],
    response_token_ids: Sequence[int],
    *,
    logprobs: ArrayLike,
    advantages: ArrayLike | float,
    mask: ArrayLike | None = None,
) -> Any:
    """A ``tinker.types.Datum`` for the losses ``ppo`` and ``importance_sampling``.

    With P prompt and R response tokens, the input is all tokens but the last and the targets all but the first, so that
    all fields have P + R - 1 entries: P - 1 of them, zero, for the prompt, and then one for each response token.

    Args:
        prompt_token_ids: P token ids, at least one.
        response_token_ids: R token ids, at least one.
        logprobs: R logprobs under the policy that drew the response, nats.
        advantages: R advantages, or one for all.
        mask: R weights, 0 = a token that is not trained on; None = all are. Left out of the datum where it is None:
            the losses of the service take no field that they do not know.

    Raises:
        InputError: Lengths that do not fit, or a logprob that is not finite.
    """
    from tinker import types

    prompt, response = [int(t) for t in prompt_token_ids], [int(t) for t in response_token_ids]
    if not prompt or not response:
        raise InputError(f"a datum needs prompt and response, not {len(prompt)} and {len(response)} tokens")
    values = {
        "logprobs": _one_each("logprobs", logprobs, len(response)),
        "advantages": _one_each("advantages", advantages, len(response)),
    }
    if mask is not None:
        weights = _one_each("mask", mask, len(response))
        values["advantages"] = values["advantages"] * weights  # a token of advantage 0 moves nothing
        values["mask"] = weights
    whole = prompt + response
    fields = {name: np.concatenate([np.zeros(len(prompt) - 1), each]) for name, each in values.items()}
    targets = types.TensorData(data=whole[1:], dtype="int64", shape=[len(whole) - 1])
    tensors = {
        name: types.TensorData(data=each.astype(np.float32).tolist(), dtype="float32", shape=[len(each)])
        for name, each in fields.items()
    }
    return types.Datum(
        model_input=types.ModelInput.from_ints(whole[:-1]), loss_fn_inputs={"target_tokens": targets, **tensors}
    )


def kl_penalty_loss(reference: Sequence[ArrayLike], *, weight: float) -> Any:
    """A loss for ``forward_backward_custom``: policy gradient with a penalty for leaving a reference.

    For each datum, with the trainer's logprobs p, the sampler's q (its ``logprobs``), advantages a and the reference's
    logprobs r, the sum over its tokens of ``-exp(p - q) a + weight (exp(r - p) - 1 - (r - p))``: importance-weighted
    advantages, and the k3 estimate of KL(policy || reference).

    Args:
        reference: One array a datum, as long as its targets: the reference's logprobs, NaN for places that are not
            trained on, such as the P - 1 of the prompt.
        weight: Of the penalty.

    Returns:
        A function of the data and their logprobs (torch tensors that require gradients) that gives the loss and its
        metrics, as the SDK takes it.
    """

    def loss(data: Sequence[Any], logprobs: Sequence[Any]) -> tuple[Any, dict[str, float]]:
        import torch

        gain, penalty = torch.zeros(()), torch.zeros(())
        for datum, p, r in zip(data, logprobs, reference, strict=True):
            q = datum.loss_fn_inputs["logprobs"].to_torch()
            a = datum.loss_fn_inputs["advantages"].to_torch()
            known = torch.as_tensor(np.asarray(r), dtype=p.dtype)
            trained = torch.isfinite(known)
            off = torch.where(trained, known, p) - p  # before the sum: NaN times 0 is NaN, in gradients too
            gain = gain + (torch.exp(p - q) * a)[trained].sum()
            penalty = penalty + (torch.expm1(off) - off)[trained].sum()
        return weight * penalty - gain, {"gain": float(gain.detach()), "kl": float(penalty.detach())}

    return loss


def _one_each(name: str, values: ArrayLike | float, count: int) -> NDArray[np.float64]:
    made = np.asarray(values, dtype=np.float64)
    made = np.full(count, float(made)) if made.ndim == 0 else made
    if made.shape != (count,):
        raise InputError(f"{name} has shape {list(made.shape)}, but the response has {count} tokens")
    if not np.isfinite(made).all():
        raise InputError(f"{name} has a value that is not finite, at {int(np.flatnonzero(~np.isfinite(made))[0])}")
    return made


def _made(prompt: list[int], sequence: Any, tokenizer: Tokenizer) -> TinkerSample:
    ids = [int(token) for token in sequence.tokens]
    given = sequence.logprobs
    values = [np.nan] * len(ids) if given is None else [np.nan if value is None else value for value in given]
    return TinkerSample(
        prompt_token_ids=prompt,
        token_ids=ids,
        text=tokenizer.decode(ids),
        logprobs=np.array(values, dtype=np.float64),
        stop_reason=str(sequence.stop_reason),
    )
