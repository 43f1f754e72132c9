"""Which sampler gives the tokens that an endpoint gave?

Each known rule replays the answers from their seeds. A wrong rule still matches often, since likely tokens win under
any noise; how often is measured by replaying the same tokens from seeds that were never sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from token_difr.errors import SamplerError
from token_difr.probes.agreement import Z_95
from token_difr.records import SamplingParams, Scores, TopKBatch, derived_seeds
from token_difr.sampler import Sampler
from token_difr.scores import score
from token_difr.verdict.intervals import design_effect, wilson
from token_difr.verdict.sums import sequence_sums

__all__ = ["SamplerFit", "Untried", "fit_samplers", "reproducing"]

SMALLEST_EXCESS = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class SamplerFit:
    """How well one rule reproduces an endpoint's tokens.

    Attributes:
        samplers: Names of the samplers that draw by it, alike on this endpoint.
        decided: Tokens whose match could be decided.
        match_rate: Share of them that the rule would have chosen too; NaN without any.
        interval: Its 95 % interval (Wilson, at the effective number of tokens).
        chance_rate: The same share with seeds that were not sent.
        chance_interval: Its 95 % interval.
        excess: (match_rate - chance_rate) / (1 - chance_rate): the share that chance does not explain.
    """

    samplers: tuple[str, ...]
    decided: int
    match_rate: float
    interval: tuple[float, float]
    chance_rate: float
    chance_interval: tuple[float, float]
    excess: float

    @property
    def reproduces(self) -> bool:
        """Whether the tokens are the rule's: more than chance gives, and at least half of what it does not give."""
        return self.interval[0] > self.chance_interval[1] and self.excess >= SMALLEST_EXCESS


@dataclass(frozen=True, kw_only=True, slots=True)
class Untried:
    """Samplers that could not be tried, and why."""

    samplers: tuple[str, ...]
    reason: str


def fit_samplers(
    batch: TopKBatch, params: SamplingParams, samplers: Iterable[Sampler], *, vocab_size: int | None
) -> tuple[list[SamplerFit], list[Untried]]:
    """The fit of every sampler, best first; those that nothing here tells apart together.

    Args:
        batch: The reference's rows for the endpoint's tokens.
        params: What the endpoint was asked for; one seed a sequence.
        samplers: What to try.
        vocab_size: Width of the model's logits; None leaves out the samplers that need it.
    """
    asked = list(samplers)
    usable = [sampler for sampler in asked if vocab_size is not None or not sampler.needs_vocab_size]
    fits: list[SamplerFit] = []
    untried = [_untried([s for s in asked if s not in usable], "needs the width of the model's logits: vocab_size")]
    for group in Sampler.groups(usable, vocab_size=vocab_size or 1, params=params):
        try:
            fits.append(_fit(group, batch, params, vocab_size))
        except SamplerError as error:
            untried.append(_untried(group, str(error)))
    fits.sort(key=lambda fit: -fit.match_rate if fit.decided else 1.0)
    return fits, [each for each in untried if each.samplers]


def reproducing(fits: Sequence[SamplerFit]) -> list[SamplerFit]:
    """The best fit, if it reproduces the tokens, and every other one that does and is not surely worse."""
    good = [fit for fit in fits if fit.reproduces]
    return [fit for fit in good if fit.interval[1] >= good[0].interval[0]]


def _fit(group: Sequence[Sampler], batch: TopKBatch, params: SamplingParams, vocab_size: int | None) -> SamplerFit:
    sent = params.seed_of(0) or 0
    unsent = derived_seeds(sent + 1, batch.n_sequences)
    by_chance = score(batch, replace(params, seed=unsent), sampler=group[0], vocab_size=vocab_size)
    decided, match_rate, interval = _match(score(batch, params, sampler=group[0], vocab_size=vocab_size))
    _, chance_rate, chance_interval = _match(by_chance)
    return SamplerFit(
        samplers=tuple(sampler.name for sampler in group),
        decided=decided,
        match_rate=match_rate,
        interval=interval,
        chance_rate=chance_rate,
        chance_interval=chance_interval,
        excess=(match_rate - chance_rate) / (1 - chance_rate) if chance_rate < 1 else 0.0,
    )


def _match(scores: Scores) -> tuple[int, float, tuple[float, float]]:
    """Decided tokens, match rate, and its 95 % interval."""
    sums = sequence_sums(scores)
    decided = int(sums.decided.sum())
    if not decided:
        return 0, float("nan"), (float("nan"), float("nan"))
    rate = 1 - sums.mismatch_rate
    return decided, rate, wilson(rate, decided / design_effect(sums), z=Z_95)


def _untried(samplers: Sequence[Sampler], reason: str) -> Untried:
    return Untried(samplers=tuple(sampler.name for sampler in samplers), reason=reason)
