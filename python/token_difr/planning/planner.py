"""A plan: what an audit takes to show each known deviation, in answers, tokens, money and hours."""

from __future__ import annotations

import math
from dataclasses import dataclass

from token_difr.planning.detection import Design, answers_needed, power
from token_difr.services import Prices
from token_difr.verdict.deviation_table import Deviation, Noise

__all__ = ["Plan", "plan"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What one deviation takes.

    Attributes:
        deviation: Its name.
        sampling: "greedy" or "sampled": how answers are asked for.
        sequences: Answers of the provider, and as many of the baseline; None if a million are too few.
        prompt_tokens: Tokens of the provider's prompts together; None if not known.
        output_tokens: Tokens of its answers together; None as ``sequences``.
        cost: Of the provider's answers, in the currency of the prices; None if not known.
        hours: That asking the provider takes; None if not known.
        probability: That so many answers are divergent.
    """

    deviation: str
    sampling: str
    sequences: int | None
    prompt_tokens: int | None
    output_tokens: int | None
    cost: float | None
    hours: float | None
    probability: float | None


def plan(
    deviation: Deviation,
    noise: Noise,
    wanted: float,
    design: Design,
    *,
    sequences: int | None = None,
    prices: Prices | None = None,
    rate: float | None = None,
) -> Plan:
    """What an audit takes to show ``deviation``.

    Args:
        deviation: What to show.
        noise: What the honest provider has, and how long prompts and answers are.
        wanted: With which probability.
        design: The audit's.
        sequences: Answers a side, if they are given: then ``wanted`` plays no part.
        prices: The provider's; None = not known.
        rate: Answers a minute; None = not known.
    """
    sequences = answers_needed(wanted, deviation, noise, design) if sequences is None else sequences
    if sequences is None:
        unknown = dict.fromkeys(("sequences", "prompt_tokens", "output_tokens", "cost", "hours", "probability"))
        return Plan(deviation=deviation.name, sampling=deviation.sampling, **unknown)
    output = round(sequences * noise.answer_tokens)
    prompt = None if math.isnan(noise.prompt_tokens) else round(sequences * noise.prompt_tokens)
    return Plan(
        deviation=deviation.name,
        sampling=deviation.sampling,
        sequences=sequences,
        prompt_tokens=prompt,
        output_tokens=output,
        cost=None if prices is None or prompt is None else prices.cost(prompt, output, requests=sequences),
        hours=None if rate is None else sequences / rate / 60,
        probability=power(deviation, noise, sequences, design),
    )
