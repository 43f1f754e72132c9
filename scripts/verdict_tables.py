"""The error rates of the verdict, simulated by the product's own functions: level, coverage, equivalence."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulated_audits import Side, audit_pair, made_margins, mean_share
from token_difr.records import Rule, Verdict
from token_difr.verdict import compare
from token_difr.verdict.intervals import interval
from token_difr.verdict.statistics import MISMATCH_RATE, STATISTICS
from token_difr.verdict.sums import SequenceSums

RULE = Rule(permutations=999, most_permutations=999)
"""The test is exact with any number of deals; with fewer it is quicker."""


class Case(NamedTuple):
    """Two sides, and whether they were asked the same prompts."""

    name: str
    candidate: Side
    baseline: Side
    paired: bool = False


class Row(NamedTuple):
    """A line of a table.

    Attributes:
        name: What was simulated.
        share: How often it came to what the table counts.
        least: What the share must not fall below.
        most: What the share must not exceed.
    """

    name: str
    share: float
    least: float = 0.0
    most: float = 1.0

    def holds(self, repetitions: int) -> bool:
        """Whether the share is within its limits, but for three standard errors at the limit."""
        slack = [3 * np.sqrt(limit * (1 - limit) / repetitions) for limit in (self.least, self.most)]
        return bool(self.least - slack[0] <= self.share <= self.most + slack[1])


HARD = Side(hard=0.3), Side(hard=0.1)
LEVEL_CASES = (
    Case("exchangeable: 64 tokens", Side(), Side()),
    Case("exchangeable: 20 to 64 tokens, design effect 3", *[Side(tokens=(20, 64), design_effect=3)] * 2),
    Case("20 against 64 tokens", Side(tokens=20), Side()),
    Case("8 against 64 tokens", Side(tokens=8), Side()),
    Case("64 against 300 tokens", Side(), Side(tokens=300)),
    Case("20 against 64 tokens, 30 against 300", Side(tokens=20, sequences=30), Side(sequences=300)),
    Case("3 x at the start: 20 against 64 tokens", Side(tokens=20, early=2), Side(early=2)),
    Case(
        "2.7 % in 64 tokens, then 1.7 %: 64 against 256",
        Side(rate=0.017, first=0.027),
        Side(rate=0.017, first=0.027, tokens=256),
    ),
    Case("hard prompts: 30 % against 10 %, unpaired", *HARD),
    Case("hard prompts: 30 % on both, paired", Side(hard=0.3), Side(hard=0.3), paired=True),
    Case("20 to 64 tokens, paired", Side(tokens=(20, 64)), Side(tokens=(20, 64)), paired=True),
)


def verdicts(case: Case, repetitions: int, rule: Rule = RULE) -> Counter[Verdict]:
    """How often each verdict comes."""
    counted: Counter[Verdict] = Counter()
    for seed in range(repetitions):
        ours, theirs, rows = audit_pair(np.random.default_rng(seed), case.candidate, case.baseline, paired=case.paired)
        pairs = np.repeat(np.arange(len(ours))[:, None], 2, axis=1) if case.paired else None
        counted[compare(ours, theirs, rule=rule, seed=seed, pairs=pairs, rows=rows).verdict] += 1
    return counted


def level_table(repetitions: int) -> Iterator[Row]:
    """Case and share of honest candidates that are called divergent, nominal 1 %."""
    for case in LEVEL_CASES:
        yield Row(case.name, verdicts(case, repetitions)[Verdict.DIVERGENT] / repetitions, most=0.02)


def consistency_table(repetitions: int) -> Iterator[Row]:
    """Case and share that is called consistent: honest ones, and such as lose two points or more."""
    for sequences in (30, 60, 100, 150, 300):
        honest = Side(sequences=sequences)
        losses = {
            "honest": honest,
            "loss of 2.0 points, spread": Side(sequences=sequences, rate=0.04),
            "loss of 2.5 points, spread": Side(sequences=sequences, rate=0.045),
            **{
                f"{100 * share:g} % wholly misserved": Side(sequences=sequences, misserved=share)
                for share in (0.021, 0.025, 0.05)
            },
        }
        for name, side in losses.items():
            counted = verdicts(Case(name, side, honest), repetitions)
            limits = (
                {"most": 0.05} if name != "honest" else {"least": 0.95 if sequences >= Rule().fewest_sequences else 0}
            )
            yield Row(f"{sequences} sequences, {name}", counted[Verdict.CONSISTENT] / repetitions, **limits)


def coverage_table(repetitions: int) -> Iterator[Row]:
    """Case and share of 95 % intervals that hold the truth."""
    chosen = tuple(each for each in STATISTICS if each.name in CLIPS)
    for sequences, effect, lengths in itertools.product(
        (10, 30, 100), (1.0, 1.5, 3.0), ("fixed", "uniform", "heavy-tailed")
    ):
        held = np.zeros(len(chosen))
        for seed in range(repetitions):
            sums = _sums(np.random.default_rng(seed), sequences, effect, lengths)
            found = [interval(sums, statistic) for statistic in chosen]
            held += [each.low <= RATE * CLIPS[s.name] <= each.high for each, s in zip(found, chosen, strict=True)]
        for statistic, count in zip(chosen, held, strict=True):
            name = f"{sequences} sequences, design effect {effect:g}, {lengths}: {statistic.name}"
            yield Row(name, count / repetitions, least=0.91)


RATE = 0.05
CLIPS = {f"clipped_margin_{clip:g}": mean_share(clip) for clip in (0.1, 5.0, 30.0)} | {MISMATCH_RATE.name: 1.0}


def _sums(rng: np.random.Generator, sequences: int, effect: float, lengths: str) -> SequenceSums:
    decided = _decided(rng, sequences, lengths)
    size = 63 / (effect - 1) - 1 if effect > 1 else None
    own = np.full(sequences, RATE) if size is None else rng.beta(RATE * size, (1 - RATE) * size, sequences)
    mismatches = rng.binomial(decided, own)
    owners = np.repeat(np.arange(sequences), mismatches)
    margins = made_margins(rng, len(owners))
    columns = {MISMATCH_RATE.name: mismatches.astype(np.float64)}
    for clip in (0.1, 5.0, 30.0):
        shares = np.minimum(margins, clip) / clip
        columns[f"clipped_margin_{clip:g}"] = np.bincount(owners, shares, sequences).astype(np.float64)
    chosen = tuple(each for each in STATISTICS if each.name in columns)
    totals = np.stack([columns[each.name] for each in chosen], axis=1)
    return SequenceSums(totals, np.repeat(decided[:, None].astype(np.float64), len(chosen), axis=1), chosen)


def _decided(rng: np.random.Generator, sequences: int, lengths: str) -> NDArray[np.int64]:
    if lengths == "fixed":
        return np.full(sequences, 64)
    if lengths == "uniform":
        return rng.integers(20, 109, sequences)
    return np.maximum(1, np.round(np.exp(rng.normal(np.log(64) - 0.5, 1.0, sequences)))).astype(np.int64)
