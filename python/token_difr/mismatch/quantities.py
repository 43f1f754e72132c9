"""Which logprobs are compared: a sampler may tell those of the draw, or the model's own.

A token is drawn from softmax(l / T) over what the filters leave, l being the model's own logprobs. Servers tell of a token
either its l ("model": vLLM, Fireworks, ``token-difr serve``) or its logprob in the draw ("draw": SGLang, vLLM with
``processed_logprobs``). At temperature 1 without filters both are one. A reference's rows hold l, and what it would be in the
draw follows from a row as far as the row bounds the weight of the tokens that it does not show.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from token_difr.errors import InputError
from token_difr.findings import claimed_logprobs
from token_difr.records import SamplingParams, TopKBatch

__all__ = ["Compared", "Quantity", "compared", "drawn_logprobs", "is_plain"]

Quantity = Literal["draw", "model"]
Logprobs = NDArray[np.float64]

TOLERANCE = 5e-3
"""Nats by which a logprob of the draw may be off, either way, for the tokens that a row does not show."""
ROUNDING = 1e-5
"""By which the printed logprobs of a row may miss a mass of 1."""
SURELY_NEARER = 0.5
"""The nearer of two quantities must be this much nearer to be the sampler's."""
NO_MATTER = 0.01
"""Nats a token: quantities that differ by less are told apart by nothing, and need not be."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Compared:
    """What the trainer's side is.

    Attributes:
        trainer: Logprobs, one array a sequence; NaN where they are not known.
        words: What is compared, for a reader.
        caveats: What the figures do not mean.
    """

    trainer: list[Logprobs]
    words: str
    caveats: tuple[str, ...] = ()


def is_plain(params: SamplingParams) -> bool:
    """Whether the model's own distribution is the one that tokens were drawn from."""
    return params.temperature == 1 and params.top_k == 0 and params.top_p == 1 and params.min_p == 0


def drawn_logprobs(batch: TopKBatch, params: SamplingParams, *, vocab_size: int | None = None) -> Logprobs:
    """float64[positions]: the reference's logprob of each claimed token in the draw, after temperature and filters.

    Filters in vLLM's order: min-p, top-k, top-p. NaN where the row does not tell it, -inf for a token that they drop.
    """
    own = claimed_logprobs(batch)
    made = np.full(len(own), np.nan)
    for j, (start, end) in enumerate(itertools.pairwise(batch.indptr.tolist())):
        if end > start:
            row = batch.logprobs[start:end].astype(np.float64)
            made[j] = _drawn(row, own[j], params, shows_all=vocab_size is not None and end - start >= vocab_size)
    return made


def _drawn(row: Logprobs, own: float, params: SamplingParams, *, shows_all: bool) -> float:
    """``own`` less the log of the support's weight, in units of the likeliest token's."""
    kept = row[row - row[0] >= params.temperature * np.log(params.min_p)] if params.min_p else row
    kept = kept[: params.top_k or None]
    ends = shows_all or len(kept) < len(row) or len(row) == params.top_k
    unseen = 0.0 if ends else _unseen_weight(row, params.temperature)
    weights = np.exp((kept - row[0]) / params.temperature)
    total = weights.sum() + unseen / 2
    if np.isinf(unseen) or unseen / 2 > TOLERANCE * total:
        return np.nan
    before = np.cumsum(weights) - weights
    nucleus = before < params.top_p * total
    if params.top_p < 1 and not nucleus.all():
        kept, total, ends = kept[nucleus], weights[nucleus].sum(), True
    if ends and own < kept[-1]:
        return -np.inf
    return float((own - row[0]) / params.temperature - np.log(total))


def _unseen_weight(row: Logprobs, temperature: float) -> float:
    """The most that tokens which a row does not show can weigh, in units of the likeliest token's weight.

    They hold a mass of at most R = 1 - sum exp(l), and none lies above c = min(least l, ln R). For T <= 1, exp(l / T) =
    exp(l) exp(l (1/T - 1)), so that together they weigh at most R exp(c (1/T - 1)). Above 1 that depends on their number,
    which a row does not tell.
    """
    if temperature > 1:
        return float("inf")
    rest = min(max(1 - float(np.exp(row).sum()), 0.0), 1.0) + ROUNDING
    cap = min(float(row[-1]), float(np.log(rest)))
    return rest * float(np.exp(cap * (1 / temperature - 1) - row[0] / temperature))


def compared(
    sampler: Sequence[Logprobs],
    batch: TopKBatch,
    params: SamplingParams,
    *,
    quantity: Quantity | None = None,
    vocab_size: int | None = None,
) -> Compared:
    """The trainer's logprobs that are like the sampler's.

    Args:
        sampler: One array a sequence of the batch; empty where the sampler gave none.
        batch: The trainer's rows.
        params: How the tokens were drawn.
        quantity: What the sampler's logprobs are; None = what they are nearer to, if that is sure.
        vocab_size: Number of tokens of a row that shows all.

    Raises:
        InputError: It cannot be told, or the rows are too short for logprobs of the draw.
    """
    own = claimed_logprobs(batch)
    if is_plain(params) or params.greedy:
        # Greedy engines do not divide by 0: what they tell is the model's own.
        greedy = ("the tokens are the sampler's likeliest, not drawn: KL and weights are of these tokens alone",)
        return Compared(trainer=_split(own, batch), words="model's own logprobs", caveats=greedy * params.greedy)
    drawn = drawn_logprobs(batch, params, vocab_size=vocab_size)
    if quantity is None:
        quantity = _told(_joined(sampler, batch), own, drawn, params)
    if quantity == "model":
        caveat = f"the tokens were drawn {_draw(params)}: KL and weights would need logprobs of the draw"
        return Compared(trainer=_split(own, batch), words="model's own logprobs, before the draw", caveats=(caveat,))
    if not np.isfinite(drawn).any():
        raise InputError(_too_short(params))
    return Compared(trainer=_split(drawn, batch), words=f"logprobs of the draw, {_draw(params)}")


def _told(sampler: Logprobs, own: Logprobs, drawn: Logprobs, params: SamplingParams) -> Quantity:
    comparable = np.isfinite(sampler) & np.isfinite(own)
    known = comparable & np.isfinite(drawn)
    if known.sum() < max(0.5 * comparable.sum(), 1):
        raise InputError(_too_short(params))
    to_own, to_drawn = (float(np.abs(sampler - each)[known].mean()) for each in (own, drawn))
    apart = float(np.abs(own - drawn)[known].mean())
    if min(to_own, to_drawn) > SURELY_NEARER * max(to_own, to_drawn) and apart > NO_MATTER:
        raise InputError(
            f"the tokens were drawn {_draw(params)}, and whether the sampler's logprobs are the model's own or those of "
            f"the draw cannot be told: they are {to_own:.3f} and {to_drawn:.3f} nats a token from the trainer's. Say it: "
            "--sampler-logprobs draw, or model"
        )
    return "model" if to_own <= to_drawn else "draw"


def _too_short(params: SamplingParams) -> str:
    return (
        f"the tokens were drawn {_draw(params)}, and the reference's rows are too short for its logprobs of that draw: ask "
        "it for longer ones (--topk-logprobs), or, where the sampler's logprobs are known to be the model's own, say so: "
        "--sampler-logprobs model"
    )


def _draw(params: SamplingParams) -> str:
    filters = {"top-k": params.top_k, "top-p": params.top_p if params.top_p < 1 else 0, "min-p": params.min_p}
    named = [f"{name} {value:g}" for name, value in filters.items() if value]
    return ", ".join([f"at temperature {params.temperature:g}", *named])


def _split(values: Logprobs, batch: TopKBatch) -> list[Logprobs]:
    return np.split(values, batch.sequence_indptr[1:-1])


def _joined(sampler: Sequence[Logprobs], batch: TopKBatch) -> Logprobs:
    """One value a position; NaN behind the end of a sequence's array."""
    made = np.full(len(batch.claimed), np.nan)
    for start, values in zip(batch.sequence_indptr[:-1].tolist(), sampler, strict=True):
        made[start : start + len(values)] = values
    return made
