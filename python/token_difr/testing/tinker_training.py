"""The training half of the Tinker stand-in: a model with one trainable vector, its losses, gradients and Adam.

What is trained is a bias b over the vocabulary, added to the model's own logits: small enough that gradients are exact and
steps take no time, and enough that a policy learns to prefer a token. With p = softmax(logits + b) at a position and t its
target, d ln p(t) / db = onehot(t) - p.

Losses are sums over all tokens, as the service has them: ``cross_entropy`` -w ln p(t); ``importance_sampling`` -r a and
``ppo`` -min(r a, clip(r, low, high) a), r = p(t) / q(t) being the ratio to the sampler's probability and a the advantage.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["TrainedModel", "TrainingError"]

Floats = NDArray[np.float64]
Logprobs = Callable[[Sequence[int]], NDArray[np.float32]]

LOSSES: Mapping[str, frozenset[str]] = {
    "cross_entropy": frozenset({"target_tokens", "weights"}),
    "importance_sampling": frozenset({"target_tokens", "logprobs", "advantages"}),
    "ppo": frozenset({"target_tokens", "logprobs", "advantages"}),
}
"""The fields that each loss takes; it takes no others."""


class TrainingError(ValueError):
    """A fault of whoever sent a request."""


class TrainedModel:
    """A policy in training.

    Args:
        logprobs: The base model: tokens -> float32[token, vocabulary].
    """

    def __init__(self, logprobs: Logprobs) -> None:
        self._base = logprobs
        self._lock = threading.Lock()
        self._bias: Floats | None = None
        self._gradient: Floats | None = None
        self._moments: tuple[Floats, Floats] | None = None
        self._steps = 0

    def snapshot(self) -> Logprobs:
        """The policy as it is: what is trained on does not change it."""
        bias = None if self._bias is None else self._bias.copy()
        return lambda tokens: _shifted(self._base(tokens), bias).astype(np.float32)

    def forward_backward(self, request: Any) -> bytes:
        """The answer to the SDK's request: each datum's logprobs, and the loss; gradients add up until a step is made.

        Raises:
            TrainingError: An unknown loss, or fields that it does not take, lacks, or whose lengths do not fit.
        """
        from tinker.proto import tinker_public_pb2 as messages

        config = dict(request.loss_fn_config)
        logprobs, total = [], 0.0
        for datum in request.data:
            tokens, fields = _read(datum, request.loss_fn)
            rows = _shifted(self._base(tokens), self._bias)
            targets = fields["target_tokens"].astype(np.int64)
            own = rows[np.arange(len(targets)), targets]
            loss, slope = _loss(request.loss_fn, own, fields, config)
            logprobs.append(own.astype(np.float32))
            total += loss
            if not request.forward_only:
                self._add_gradient(slope, targets, np.exp(rows))
        answer = messages.ForwardBackwardOutput(loss_fn_output_type="ArrayRecord")
        answer.metrics["loss:sum"] = total
        record = answer.loss_fn_outputs.add(num_datums=len(logprobs))
        ends = np.cumsum([0, *(each.nbytes for each in logprobs)], dtype=np.int64)
        field = record.fields["logprobs"]
        field.data, field.offsets = b"".join(each.tobytes() for each in logprobs), ends.tobytes()
        field.dtype = messages.DTYPE_FLOAT32
        return bytes(answer.SerializeToString())

    def optim_step(self, params: Mapping[str, Any]) -> dict[str, float]:
        """One step of Adam (D. Kingma and J. Ba, 2015) with the gradients that have added up, which are gone then.

        Args:
            params: ``learning_rate``, ``beta1``, ``beta2``, ``eps``.

        Returns:
            The gradient's norm.
        """
        with self._lock:
            gradient, self._gradient = self._gradient, None
            if gradient is None:
                return {"grad_norm": 0.0}
            first, second = self._moments or (np.zeros_like(gradient), np.zeros_like(gradient))
            beta1, beta2 = params["beta1"], params["beta2"]
            self._steps += 1
            first = beta1 * first + (1 - beta1) * gradient
            second = beta2 * second + (1 - beta2) * gradient**2
            self._moments = first, second
            step = first / (1 - beta1**self._steps)
            step /= np.sqrt(second / (1 - beta2**self._steps)) + params["eps"]
            bias = np.zeros_like(gradient) if self._bias is None else self._bias
            self._bias = bias - params["learning_rate"] * step
            return {"grad_norm": float(np.linalg.norm(gradient))}

    def _add_gradient(self, slope: Floats, targets: NDArray[np.int64], shares: Floats) -> None:
        """``slope`` is the loss's derivative by each target's logprob."""
        gradient = -(slope[:, None] * shares).sum(axis=0)
        np.add.at(gradient, targets, slope)
        with self._lock:
            self._gradient = gradient if self._gradient is None else self._gradient + gradient


def _shifted(rows: NDArray[np.float32], bias: Floats | None) -> Floats:
    if bias is None:
        return rows.astype(np.float64)
    made = rows + bias
    return np.asarray(made - np.logaddexp.reduce(made, axis=1, keepdims=True))


def _read(datum: Any, loss: str) -> tuple[list[int], dict[str, Floats]]:
    if loss not in LOSSES:
        raise TrainingError(f"there is no loss {loss!r}; there are {', '.join(LOSSES)}")
    tokens = [t for chunk in datum.model_input for t in np.frombuffer(chunk.encoded_text.tokens, np.int32).tolist()]
    fields = {name: _array(tensor) for name, tensor in datum.loss_fn_inputs.items()}
    if fields.keys() != LOSSES[loss]:
        raise TrainingError(f"{loss} takes {', '.join(sorted(LOSSES[loss]))}, not {', '.join(sorted(fields))}")
    for name, values in fields.items():
        if values.shape != (len(tokens),):
            raise TrainingError(f"{name} has shape {list(values.shape)}, but there are {len(tokens)} tokens")
    return tokens, fields


def _array(tensor: Any) -> Floats:
    from tinker.proto import tinker_public_pb2 as messages

    kind = np.float32 if tensor.dtype == messages.DTYPE_FLOAT32 else np.int64
    return np.frombuffer(tensor.dense, kind).astype(np.float64)


def _loss(name: str, own: Floats, fields: Mapping[str, Floats], config: Mapping[str, float]) -> tuple[float, Floats]:
    """A datum's loss, and its derivative by the logprob of each target."""
    if name == "cross_entropy":
        weights = fields["weights"]
        return float(-(weights * own).sum()), -weights
    ratio, advantages = np.exp(own - fields["logprobs"]), fields["advantages"]
    gain = ratio * advantages
    if name == "importance_sampling":
        return float(-gain.sum()), -gain
    low, high = config.get("clip_low_threshold", 0.8), config.get("clip_high_threshold", 1.2)
    clipped = np.clip(ratio, low, high) * advantages
    return float(-np.minimum(gain, clipped).sum()), np.where(gain <= clipped, -gain, 0.0)
