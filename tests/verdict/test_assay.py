"""Whether a comparison could show anything: each doubt, what refuses at once, and what raises none."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

from token_difr import InputError, Scores, ScoreStatus
from token_difr.records import Rule, Verdict
from token_difr.verdict import RowFacts, SideRows, compare
from token_difr.verdict.assay import doubts

S = ScoreStatus
SEQUENCES = 160


def scores_of(rate: float = 0.02, *, seed: int = 0, **shares: float) -> Scores:
    """160 answers of 32 tokens that mismatch at the rate; shares of them have another status, of the answers are withheld."""
    rng = np.random.default_rng(seed)
    count = SEQUENCES * 32
    withheld = np.arange(SEQUENCES) < shares.pop("withheld", 0) * SEQUENCES
    status = np.full(count, S.SCORED)
    for name, share in shares.items():
        status[: round(share * count)] = ScoreStatus[name.upper()]
    margin = np.where(status == S.SCORED, rng.random(count) < rate, np.nan).astype(np.float32)
    kept = ~np.repeat(withheld, 32)
    lengths = np.where(withheld, 0, 32)
    made = Scores.from_margins(margin[kept], np.concatenate([[0], np.cumsum(lengths)]), status=status[kept])
    return Scores.from_arrays(made.to_arrays() | {"withheld": withheld})


def rows_of(
    *, shifts: tuple[float, float, float] = (0.1, 0.98, 0.1), length: float = 50, spread: float = 5, seed: int = 0
) -> RowFacts:
    rng = np.random.default_rng(seed)
    first = -rng.random(SEQUENCES)
    return RowFacts(shifts, np.round(rng.normal(length, spread, SEQUENCES)), first, -first)


@pytest.mark.parametrize(
    ("candidate", "baseline", "words"),
    [
        (scores_of(), scores_of(0.6), r"trusted baseline, which matches it in 39\.\d % of its tokens: below 50 %"),
        (scores_of(unscored=0.25), scores_of(), "25 % of the candidate's tokens have no row"),
        (scores_of(), scores_of(unscored=0.25), "25 % of the baseline's tokens have no row"),
        (scores_of(undecided=0.21), scores_of(), "21 % of the candidate's tokens are not decided"),
        (scores_of(withheld=0.5), scores_of(), "50 % of the candidate's answers are not scored"),
        (scores_of(), scores_of(withheld=0.25), "25 % of the baseline's answers are not scored"),
    ],
)
def test_nothing_is_shown_and_the_reason_comes_first(candidate: Scores, baseline: Scores, words: str) -> None:
    """Inconclusive, whatever the p-value."""
    comparison = compare(candidate, baseline)

    assert comparison.verdict is Verdict.INCONCLUSIVE
    assert re.search(words, comparison.reason)


def test_rows_that_are_no_distribution_are_no_evidence() -> None:
    """More than a fifth of them."""
    scores = scores_of()
    improper = Scores.from_arrays(scores.to_arrays() | {"improper_rows": np.array(1100)})

    assert "21 % of the baseline's rows are no distribution" in compare(scores, improper).reason
    assert compare(scores, scores).verdict is Verdict.CONSISTENT


@pytest.mark.parametrize(("shifts", "moved"), [((0.93, 0.03, 0.02), "-1"), ((0.02, 0.03, 0.93), r"\+1")])
def test_rows_off_by_one_are_named(shifts: tuple[float, float, float], moved: str) -> None:
    """They match better where they are moved."""
    (reason,) = list(doubts(scores_of(), scores_of(), Rule(), rows_of(shifts=shifts)))

    assert "off by one" in reason
    assert moved.strip("\\") in reason


def test_a_few_of_each_raise_no_doubt() -> None:
    """Up to a fifth on either side."""
    some = scores_of(undecided=0.19, withheld=0.19)

    assert list(doubts(some, some, Rule(), rows_of())) == []


def unreplayed(mean: float) -> Scores:
    """Answers without a replay, whose surprise has this mean, in nats."""
    surprise = mean + np.random.default_rng(1).normal(0, 0.5, 3200)
    return Scores.from_margins(
        np.full(3200, math.nan, np.float32),
        np.arange(0, 3201, 20),
        surprise=surprise.astype(np.float32),
        status=np.full(3200, S.UNREPLAYED),
    )


def test_without_a_replay_the_baseline_must_be_about_as_likely_as_expected() -> None:
    """Half as likely is ln 2 of surprise."""
    assert list(doubts(unreplayed(0), unreplayed(0.6), Rule())) == []
    (reason,) = doubts(unreplayed(0), unreplayed(0.8), Rule())
    assert "times as likely" in reason


def test_replayed_and_not_are_never_compared() -> None:
    """Either way round: they have no statistic in common."""
    for sides in ((scores_of(), unreplayed(0)), (unreplayed(0), scores_of())):
        with pytest.raises(InputError, match="alone was scored with its noise replayed"):
            compare(*sides)


def test_other_kinds_of_prompts_are_named_and_pairing_with_them() -> None:
    """Unpaired, prompts of other lengths make the verdict inconclusive; the same prompts need no such test."""
    rows = SideRows(rows_of(length=125), rows_of(length=50, seed=1))
    pairs = np.repeat(np.arange(SEQUENCES)[:, None], 2, axis=1)
    for candidate in (scores_of(0.2), scores_of(0.02, seed=1)):
        comparison = compare(candidate, scores_of(), rows=rows)
        assert comparison.verdict is Verdict.INCONCLUSIVE
        assert "ask both the same prompts" in comparison.reason
    assert compare(scores_of(0.2), scores_of(), rows=rows, pairs=pairs).verdict is Verdict.DIVERGENT
    assert compare(scores_of(0.2), scores_of(), rows=SideRows(rows_of(), rows_of(seed=1))).verdict is Verdict.DIVERGENT
