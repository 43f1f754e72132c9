"""The error rates of the verdict, simulated by the product's own functions: level, coverage, equivalence.

A table is a list of tasks: each simulates so many audits and comes back with its rows. They do not depend on each other, so
that they may run in several processes.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulated_audits import MISMATCH_RATE, Rng, Side, audit_pair, made_sums, mean_share, sums_of_mismatches
from token_difr.records import Rule, Scores, Verdict
from token_difr.verdict import SideRows, compare
from token_difr.verdict.comparison import compare_matched
from token_difr.verdict.incomplete_beta import incomplete_beta
from token_difr.verdict.intervals import interval, loss_upper_bound, wilson
from token_difr.verdict.matching import Matched, match
from token_difr.verdict.permutation import Z_TWO_SIDED_99, PermutationTest, permutation_test
from token_difr.verdict.statistics import STATISTICS
from token_difr.verdict.sums import SequenceSums

QUICK = {"permutations": 299, "most_permutations": 299}
MORE = {"permutations": 1999, "most_permutations": 1999}
"""Few deals tell already that most p-values lie far above the level."""

LEVEL, BOUND = Rule().level, Rule().tolerance


class Row(NamedTuple):
    """A line of a table.

    Attributes:
        name: What was simulated.
        share: How often it came to what the table counts.
        repetitions: In how many audits; 0 = it is no share of audits, and chance is no excuse.
        least: What the share must not fall below.
        most: What the share must not exceed.
    """

    name: str
    share: float
    repetitions: int
    least: float = 0.0
    most: float = 1.0

    @property
    def holds(self) -> bool:
        """Whether the share is within its limits, but for what chance does in one of 741 tables (three standard errors)."""
        if self.repetitions == 0:
            return self.least <= self.share <= self.most
        count = round(self.share * self.repetitions)
        too_many = at_least(count, self.repetitions, self.most)
        too_few = 1 - at_least(count + 1, self.repetitions, self.least)
        return min(too_many, too_few) >= CHANCE


def at_least(count: int, total: int, share: float) -> float:
    """The probability of ``count`` or more of ``total``, each of which comes with probability ``share``."""
    if count <= 0 or share >= 1:
        return 1.0
    return 0.0 if count > total or share <= 0 else incomplete_beta(count, total - count + 1, share)


CHANCE = 0.00135
"""Of a normal deviate above three standard deviations."""

Task = Callable[[int], list[Row]]


class Case(NamedTuple):
    """Two honest sides, and whether they were asked the same prompts.

    Attributes:
        name: In the table.
        candidate: Its answers.
        baseline: Its answers.
        paired: Whether they are to the same prompts.
        exchangeable: Whether both sides are alike in all: the share is the level then.
    """

    name: str
    candidate: Side
    baseline: Side
    paired: bool = False
    exchangeable: bool = False


def _alike() -> Iterable[Case]:
    for effect, sequences in itertools.product((1, 3), (30, 100)):
        side = Side(design_effect=effect, sequences=sequences)
        yield Case(f"alike: {sequences} x 64 tokens, design effect {effect:g}", side, side, exchangeable=True)
    for effect in (1.5, 3):
        side = Side(design_effect=effect, tokens=(20, 64))
        yield Case(f"alike: 20 to 64 tokens, design effect {effect:g}", side, side, exchangeable=True)
    yield Case("alike: 50 against 200 answers", Side(sequences=50), Side(sequences=200), exchangeable=True)
    yield Case("alike: match rate 90 %", *[Side(rate=0.1)] * 2, exchangeable=True)
    yield Case("alike: the same prompts", Side(), Side(), paired=True, exchangeable=True)
    yield Case("alike: the same prompts, 20 to 64 tokens", *[Side(tokens=(20, 64))] * 2, paired=True, exchangeable=True)


def _few() -> Iterable[Case]:
    """A handful of answers of unlike lengths, with mismatches enough for so few to differ, and more of them at the start."""
    for sequences, (short, long) in itertools.product((5, 6, 8, 11), (((5, 20), (5, 64)), ((10, 40), (20, 64)))):
        sides = (
            Side(sequences=sequences, tokens=tokens, rate=0.1, early=2, design_effect=1) for tokens in (short, long)
        )
        yield Case(f"{sequences} answers: {short[0]} to {short[1]} against {long[0]} to {long[1]} tokens", *sides)


FIRST = Side(rate=0.017, first=0.027)
LEVEL_CASES = (
    Case("20 against 64 tokens", Side(tokens=20), Side()),
    Case("8 against 64 tokens", Side(tokens=8), Side()),
    Case("64 against 300 tokens", Side(), Side(tokens=300)),
    Case("20 against 64 tokens, 30 against 300 answers", Side(tokens=20, sequences=30), Side(sequences=300)),
    Case("3 x at the start: 20 against 64 tokens", Side(tokens=20, early=2), Side(early=2)),
    Case("2.7 % in 64 tokens, then 1.7 %: 64 against 256", FIRST, Side(rate=0.017, first=0.027, tokens=256)),
    Case("hard prompts: 30 % against 10 %", Side(hard=0.3), Side(hard=0.1)),
    Case("hard prompts: 30 %, the same", Side(hard=0.3), Side(hard=0.3), paired=True),
    *_alike(),
    *_few(),
)


def is_divergent(ours: Scores, theirs: Scores, rows: SideRows | None, seed: int, *, paired: bool) -> bool:
    """Whether :func:`compare` says so. It never does where the test alone does not, which is looked at first."""
    pairs = np.repeat(np.arange(len(ours))[:, None], 2, axis=1) if paired else None
    matched = match(ours, theirs, pairs, REPLAYED)
    tested = partial(permutation_test, matched.candidate, matched.baseline, paired=paired)
    if surely_alike(tested, seed):
        return False
    return compare(ours, theirs, seed=seed, pairs=pairs, rows=rows).verdict is Verdict.DIVERGENT


def surely_alike(tested: Callable[..., PermutationTest], seed: int) -> bool:
    """Whether few deals show already that the p-value lies above the level, as surely as the product wants it to.

    The fewest say nothing of the adjusted p-value itself. It is a multiple of the number of forms over that of the deals,
    since a deal of each comes first, and then none lies below the level. But it is at least the smallest by itself.
    """
    quick = tested(rule=Rule(seed=seed, **QUICK))
    if wilson(quick.smallest, quick.deals, z=Z_TWO_SIDED_99)[0] >= LEVEL:
        return True
    more = tested(rule=Rule(seed=seed, **MORE))
    return wilson(more.p_value, more.deals, z=Z_TWO_SIDED_99)[0] >= LEVEL


REPLAYED = tuple(each for each in STATISTICS if not each.name.startswith(("surprise", "percentile")))
"""The others have no position here."""


def level_tasks() -> list[Task]:
    """Case and share of honest candidates that are called divergent, nominal 1 %."""
    return [partial(_level, case) for case in LEVEL_CASES]


def _level(case: Case, repetitions: int) -> list[Row]:
    divergent = 0
    for seed in range(repetitions):
        ours, theirs, rows = audit_pair(np.random.default_rng(seed), case.candidate, case.baseline, paired=case.paired)
        divergent += is_divergent(ours, theirs, rows, seed, paired=case.paired)
    return [Row(case.name, divergent / repetitions, repetitions, most=LEVEL if case.exchangeable else 2 * LEVEL)]


SEQUENCES = (30, 60, 100, 148, 149, 150, 180, 236, 260, 300)
LOSSES: dict[str, dict[str, float]] = {
    "honest": {},
    "loss of 2.0 points, spread": {"rate": 0.04},
    "loss of 2.5 points, spread": {"rate": 0.045},
    "2.1 % wholly misserved (2.0 points)": {"misserved": 0.021, "misserved_rate": 0.98},
    **{
        f"{100 * share:g} % misserved, 16 % of it right": {"misserved": share}
        for share in (0.021, 0.025, 0.03, 0.04, 0.05)
    },
}


def consistency_tasks() -> list[Task]:
    """Case and share that is called consistent: honest ones, and such as lose two points or more."""
    return [partial(_consistency, count, name) for count in SEQUENCES for name in LOSSES]


def _consistency(sequences: int, name: str, repetitions: int) -> list[Row]:
    losing, honest = Side(sequences=sequences, **LOSSES[name]), Side(sequences=sequences)  # type: ignore[arg-type]
    consistent = sum(_is_consistent(np.random.default_rng(seed), losing, honest, seed) for seed in range(repetitions))
    enough = 0.95 if sequences >= Rule().fewest_sequences else 0.0
    limits = {"least": enough} if name == "honest" else {"most": 0.05}
    return [Row(f"{sequences} answers, {name}", consistent / repetitions, repetitions, **limits)]


def _is_consistent(rng: Rng, losing: Side, honest: Side, seed: int) -> bool:
    """Whether the verdict says so. It never does with too few answers, or too large a bound: these are looked at first."""
    if losing.sequences < Rule().fewest_sequences:
        return False
    ours, theirs = made_sums(rng, losing), made_sums(rng, honest)
    if loss_upper_bound(ours, theirs) >= BOUND:
        return False
    tokens = (int(ours.decided.sum()), int(theirs.decided.sum()))
    matched = Matched(
        ours, theirs, paired=False, tokens=tokens, compared=tokens, lengths=(ours.decided, theirs.decided)
    )
    alike = surely_alike(partial(permutation_test, ours, theirs), seed)
    rule = Rule(seed=seed, **MORE) if alike else Rule(seed=seed)
    return compare_matched(matched, rule).verdict is Verdict.CONSISTENT


RATE = 0.05
CLIPS = {f"clipped_margin_{clip:g}": mean_share(clip) for clip in (0.1, 5.0, 30.0)} | {MISMATCH_RATE.name: 1.0}


def coverage_tasks() -> list[Task]:
    """Case and share of 95 % intervals that hold the truth."""
    cells = itertools.product((10, 30, 100), (1.0, 1.5, 3.0), ("fixed", "uniform", "heavy-tailed"))
    return [partial(_coverage, *cell) for cell in cells]


def _coverage(sequences: int, effect: float, lengths: str, repetitions: int) -> list[Row]:
    chosen = [each for each in STATISTICS if each.name in CLIPS]
    held = np.zeros(len(chosen))
    for seed in range(repetitions):
        sums = _sums(np.random.default_rng(seed), sequences, effect, lengths)
        found = [interval(sums, statistic) for statistic in chosen]
        held += [each.low <= RATE * CLIPS[s.name] <= each.high for each, s in zip(found, chosen, strict=True)]
    name = f"{sequences} answers, design effect {effect:g}, {lengths}"
    return [
        Row(f"{name}: {s.name}", count / repetitions, repetitions, 0.91) for s, count in zip(chosen, held, strict=True)
    ]


def _sums(rng: Rng, sequences: int, effect: float, lengths: str) -> SequenceSums:
    decided = _decided(rng, sequences, lengths)
    size = 63 / (effect - 1) - 1 if effect > 1 else None
    own = np.full(sequences, RATE) if size is None else rng.beta(RATE * size, (1 - RATE) * size, sequences)
    return sums_of_mismatches(rng, rng.binomial(decided, own), decided)


def _decided(rng: Rng, sequences: int, lengths: str) -> NDArray[np.int64]:
    if lengths == "fixed":
        return np.full(sequences, 64)
    if lengths == "uniform":
        return rng.integers(20, 109, sequences)
    return np.maximum(1, np.round(np.exp(rng.normal(np.log(64) - 0.5, 1.0, sequences)))).astype(np.int64)
