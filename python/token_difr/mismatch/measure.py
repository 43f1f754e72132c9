"""Do sampler and trainer agree? Logprobs of the same tokens under both, and how far the two distributions are apart.

The sampler drew the tokens; the trainer (the reference) gives them other logprobs, since another engine, precision or
revision of the weights computes them. Importance weights and KL estimates say how far a policy update would be off.

With log ratio d = trainer - sampler, in nats, of tokens drawn from the sampler:

* ``k1`` is the mean of -d: KL(sampler || trainer) without bias, and of large variance;
* ``k3`` is the mean of exp(d) - 1 - d: without bias too, never negative, of small variance where d is small
  (J. Schulman, "Approximating KL divergence", 2020);
* the effective sample size of weights w is (sum w)^2 / sum w^2 (L. Kish, "Survey sampling", 1965).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from token_difr.errors import InputError

__all__ = ["Mismatch", "PositionBin", "measure_mismatch"]

LARGEST_LOG_RATIO = 60.0
"""Log ratios are cut to this size before exp, which would overflow; ``cut`` counts them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PositionBin:
    """Tokens at some range of positions in their answers.

    Attributes:
        first: First position, from 0.
        end: One after the last.
        tokens: How many tokens there are.
        mean_absolute_log_ratio: In nats.
        k3: In nats a token.
    """

    first: int
    end: int
    tokens: int
    mean_absolute_log_ratio: float
    k3: float


@dataclass(frozen=True, kw_only=True)
class Mismatch:
    """How far sampler and trainer are apart.

    Attributes:
        sequences: Number of answers with tokens.
        tokens: Number of tokens compared.
        left_out: Tokens without a finite logprob on either side.
        cut: Log ratios, of tokens or sequences, that were cut to +-60 nats.
        k1: Estimate of KL(sampler || trainer), nats a token.
        k3: The same, by the estimator of small variance.
        mean_absolute_log_ratio: In nats.
        largest_log_ratio: Largest absolute log ratio of a token, in nats.
        token_effective_share: Effective sample size of the tokens' importance weights, as a share of ``tokens``.
        sequence_effective_share: The same of whole sequences, whose weight is the product of their tokens'.
        growth: Slope of the mean absolute log ratio over the position, in nats a thousand tokens; NaN with one bin.
        by_position: The same figures by position, bins of equal length.
        token_log_ratios: float64 [tokens], the sequences one behind the other.
        sequence_log_ratios: float64 [sequences]: the sums.
        compared: What the logprobs of both sides are; "" where whoever gave them knows.
        caveats: What the figures do not mean.
    """

    sequences: int
    tokens: int
    left_out: int
    cut: int
    k1: float
    k3: float
    mean_absolute_log_ratio: float
    largest_log_ratio: float
    token_effective_share: float
    sequence_effective_share: float
    growth: float
    by_position: tuple[PositionBin, ...]
    token_log_ratios: NDArray[np.float64] = dataclasses.field(repr=False)
    sequence_log_ratios: NDArray[np.float64] = dataclasses.field(repr=False)
    compared: str = ""
    caveats: tuple[str, ...] = ()

    def token_ratios(self) -> NDArray[np.float64]:
        """Importance weights trainer / sampler of the tokens, float64 [tokens]."""
        return np.asarray(np.exp(_cut(self.token_log_ratios)))

    def sequence_ratios(self) -> NDArray[np.float64]:
        """Importance weights of the sequences, float64 [sequences]."""
        return np.asarray(np.exp(_cut(self.sequence_log_ratios)))

    def to_dict(self) -> dict[str, Any]:
        """All figures by name, without the arrays; what is not finite is None."""
        others = {"by_position", "compared", "caveats"}
        names = [each.name for each in dataclasses.fields(self) if each.repr and each.name not in others]
        figures: dict[str, Any] = {name: _finite(getattr(self, name)) for name in names}
        words = {"compared": self.compared, "caveats": list(self.caveats)}
        return {**figures, **words, "by_position": [dataclasses.asdict(each) for each in self.by_position]}


def measure_mismatch(
    sampler_logprobs: Sequence[ArrayLike], trainer_logprobs: Sequence[ArrayLike], *, bins: int = 8
) -> Mismatch:
    """Compare logprobs of the same tokens.

    Args:
        sampler_logprobs: One array a sequence: logprobs under the policy that drew the tokens, natural log. At the
            temperature of the draw, if importance weights are to be right.
        trainer_logprobs: The same tokens under the trainer.
        bins: Ranges of positions for ``by_position``.

    Raises:
        InputError: Not the same numbers of sequences and tokens, or no token with a logprob on both sides.
    """
    if bins < 1:
        raise InputError(f"bins must be at least 1, not {bins!r}")
    ratios, positions = _log_ratios(sampler_logprobs, trainer_logprobs)
    total = sum(len(each) for each in ratios)
    known = [np.isfinite(each) for each in ratios]
    kept = [(each[k], p[k]) for each, p, k in zip(ratios, positions, known, strict=True) if k.any()]
    if not kept:
        raise InputError("no token has a logprob of both sampler and trainer")
    d = np.concatenate([each for each, _ in kept])
    sums = np.array([each.sum() for each, _ in kept])
    by_position = _by_position(d, np.concatenate([p for _, p in kept]), bins)
    return Mismatch(
        sequences=len(kept),
        tokens=len(d),
        left_out=total - len(d),
        cut=int((np.abs(d) > LARGEST_LOG_RATIO).sum() + (np.abs(sums) > LARGEST_LOG_RATIO).sum()),
        k1=float(-d.mean()),
        k3=_k3(d),
        mean_absolute_log_ratio=float(np.abs(d).mean()),
        largest_log_ratio=float(np.abs(d).max()),
        token_effective_share=_effective_share(d),
        sequence_effective_share=_effective_share(sums),
        growth=_slope(by_position),
        by_position=by_position,
        token_log_ratios=d,
        sequence_log_ratios=sums,
    )


def _log_ratios(
    sampler: Sequence[ArrayLike], trainer: Sequence[ArrayLike]
) -> tuple[list[NDArray[np.float64]], list[NDArray[np.int64]]]:
    if len(sampler) != len(trainer):
        raise InputError(f"there are {len(sampler)} sequences of the sampler and {len(trainer)} of the trainer")
    ratios, positions = [], []
    for i, (ours, theirs) in enumerate(zip(sampler, trainer, strict=True)):
        a, b = _logprobs(ours, i), _logprobs(theirs, i)
        if len(a) != len(b):
            raise InputError(f"sequence {i} has {len(a)} logprobs of the sampler and {len(b)} of the trainer")
        with np.errstate(invalid="ignore"):  # -inf on both sides
            ratios.append(b - a)
        positions.append(np.arange(len(a)))
    return ratios, positions


def _logprobs(values: ArrayLike, i: int) -> NDArray[np.float64]:
    """Logprobs as float64; None, as APIs say "unknown", is NaN."""
    try:
        made = np.asarray(
            [np.nan if value is None else value for value in np.asarray(values, dtype=object)], np.float64
        )
    except (TypeError, ValueError) as error:
        raise InputError(f"the logprobs of sequence {i} are not numbers") from error
    if (made > 0).any():
        raise InputError(f"sequence {i} has a logprob above 0")
    return made


def _by_position(d: NDArray[np.float64], positions: NDArray[np.int64], bins: int) -> tuple[PositionBin, ...]:
    edges = np.unique(np.linspace(0, positions.max() + 1, bins + 1).round().astype(np.int64))
    made = []
    for first, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        inside = d[(positions >= first) & (positions < end)]
        if len(inside):
            mean = float(np.abs(inside).mean())
            made.append(
                PositionBin(first=first, end=end, tokens=len(inside), mean_absolute_log_ratio=mean, k3=_k3(inside))
            )
    return tuple(made)


def _slope(by_position: Sequence[PositionBin]) -> float:
    """Least squares over the bins, weighted by their tokens."""
    if len(by_position) < 2:
        return float("nan")
    middle = np.array([(each.first + each.end - 1) / 2 for each in by_position])
    value = np.array([each.mean_absolute_log_ratio for each in by_position])
    weight = np.array([each.tokens for each in by_position], dtype=np.float64)
    off = middle - np.average(middle, weights=weight)
    return float((weight * off * value).sum() / (weight * off**2).sum() * 1000)


def _k3(d: NDArray[np.float64]) -> float:
    cut = _cut(d)
    return float((np.expm1(cut) - cut).mean())


def _effective_share(log_weights: NDArray[np.float64]) -> float:
    weights = np.exp(log_weights - log_weights.max())
    return float(weights.sum() ** 2 / (weights**2).sum() / len(weights))


def _cut(d: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.clip(d, -LARGEST_LOG_RATIO, LARGEST_LOG_RATIO)


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
