"""Prompts of other kinds: told from the same ones by what depends on them alone, and what follows for the verdict."""

from __future__ import annotations

import numpy as np
import pytest

from token_difr import Scores
from token_difr.records import Rule, Verdict
from token_difr.verdict import RowFacts, SideRows, compare
from token_difr.verdict.prompt_mix import PromptMix, prompt_mix

ANSWERS = 160
QUICK = Rule(permutations=199, most_permutations=999)


def prompts(
    *,
    length: float = 50,
    spread: float = 0.4,
    odds: float = 0.0,
    hard: float = 0.0,
    seed: int = 0,
    count: int = ANSWERS,
) -> RowFacts:
    """Prompts around a length, in tokens, with a spread of its logarithm; hard ones are 2.7 times as long, and less sure."""
    rng = np.random.default_rng(seed)
    is_hard = rng.random(count) < hard
    tokens = np.round(length * np.exp(rng.normal(is_hard, spread)))
    sure = 1 / (1 + np.exp(rng.normal(odds + is_hard, max(spread, 0.1))))
    return RowFacts((0.1, 0.98, 0.1), tokens, np.log(sure), -np.log(sure) * np.exp(rng.normal(0, 0.2, count)))


def answers(rate: float, *, seed: int = 0) -> Scores:
    """160 answers of 40 tokens, of which a share ``rate`` mismatch."""
    rng = np.random.default_rng(seed)
    wrong = rng.random(ANSWERS * 40) < rate
    return Scores.from_margins(
        (wrong * rng.exponential(0.5, len(wrong))).astype(np.float32), np.arange(0, ANSWERS * 40 + 1, 40)
    )


def test_halves_of_the_same_prompts_are_told_apart_as_often_as_the_level_says() -> None:
    """A fifth of them at 20 %: between the 0.1 % quantiles of the binomial."""
    pool = prompts(hard=0.3, count=400)
    told = 0
    for seed in range(200):
        order = np.random.default_rng(seed).permutation(400)[:200]
        sides = [RowFacts(pool.shift_matches, *(column[half] for column in pool[1:])) for half in np.split(order, 2)]
        told += (
            prompt_mix(sides[0], sides[1], Rule(permutations=99, most_permutations=99, seed=seed, level=0.2)).p_value
            <= 0.2
        )

    assert 23 <= told <= 60


@pytest.mark.parametrize(
    ("ours", "theirs", "least", "most"),
    [
        pytest.param(prompts(), prompts(seed=1), 1.0, 1.4, id="alike"),
        pytest.param(prompts(spread=0), prompts(spread=0, seed=1), 1.0, 1.2, id="all of one length"),
        pytest.param(
            prompts(hard=0.3), prompts(hard=0.1, seed=1), 1.33, 2.5, id="a fifth more of a kind with 3 x the rate"
        ),
        pytest.param(prompts(hard=1), prompts(seed=1), 3.0, 1e3, id="all of that kind"),
        pytest.param(
            prompts(length=23, spread=0.03), prompts(length=21, spread=0.03, seed=1), 1.0, 1.6, id="a word more"
        ),
        pytest.param(prompts(length=300), prompts(length=30, seed=1), 3.0, 1e3, id="ten times as long"),
        pytest.param(prompts(odds=1.5), prompts(seed=1), 3.0, 1e3, id="less sure from the first token on"),
    ],
)
def test_how_much_harder_prompts_could_be(ours: RowFacts, theirs: RowFacts, least: float, most: float) -> None:
    """Either side: it follows from the sizes of the differences, not from how sure they are."""
    for sides in ((ours, theirs), (theirs, ours)):
        assert least <= prompt_mix(*sides, QUICK).factor <= most


def test_what_is_not_known_of_the_prompts_does_not_tell_them_apart() -> None:
    """Neither lengths nor first rows."""
    unknown = RowFacts((0.1, 0.98, 0.1), *np.full((3, ANSWERS), np.nan))

    for sides in ((unknown, unknown), (unknown, prompts())):
        assert prompt_mix(*sides, QUICK) == PromptMix(1.0, 1.0)


LONGER = SideRows(prompts(length=23, spread=0.03), prompts(length=21, spread=0.03, seed=1))
OTHERS = SideRows(prompts(length=150), prompts(seed=1))


@pytest.mark.parametrize(
    ("rows", "rate", "expected", "verdict"),
    [
        pytest.param(LONGER, 0.0, 0.0, Verdict.CONSISTENT, id="a word more, no mismatch"),
        pytest.param(LONGER, 0.006, 0.006, Verdict.CONSISTENT, id="a word more, the demo's rate"),
        pytest.param(LONGER, 0.06, 0.006, Verdict.DIVERGENT, id="a word more, ten times the mismatches"),
        pytest.param(OTHERS, 0.0, 0.0, Verdict.CONSISTENT, id="another kind, no mismatch that could be more or fewer"),
        pytest.param(OTHERS, 0.02, 0.02, Verdict.INCONCLUSIVE, id="another kind, the same rate"),
        pytest.param(OTHERS, 0.06, 0.02, Verdict.INCONCLUSIVE, id="another kind, three times the mismatches"),
        pytest.param(OTHERS, 0.9, 0.002, Verdict.DIVERGENT, id="another kind, and nothing matches"),
    ],
)
def test_a_verdict_holds_whatever_the_prompts_did(
    rows: SideRows, rate: float, expected: float, verdict: Verdict
) -> None:
    """Prompts that are surely others, by little or much; where they could decide, the way out is named."""
    comparison = compare(answers(rate), answers(expected, seed=1), rows=rows)

    assert prompt_mix(rows.candidate, rows.baseline, Rule()).p_value < Rule().level
    assert comparison.verdict is verdict
    assert ("ask both the same prompts" in comparison.reason) == (verdict is Verdict.INCONCLUSIVE)


def test_a_bound_counts_what_easier_prompts_may_hide() -> None:
    """The loss may be that much larger."""
    sides = answers(0.006), answers(0.006, seed=1)
    known, unknown = compare(*sides, rows=LONGER), compare(*sides)
    factor = prompt_mix(LONGER.candidate, LONGER.baseline, Rule()).factor

    assert known.match_loss_upper == pytest.approx(unknown.match_loss_upper + (factor - 1) * 0.006, rel=0.2)
