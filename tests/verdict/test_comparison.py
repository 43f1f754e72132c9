"""Verdicts: each of the three, and what each needs."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from token_difr import InputError, Scores, ScoreStatus
from token_difr.records import Rule, Verdict
from token_difr.verdict import compare, decide, summarize
from token_difr.verdict.comparison import compare_matched
from token_difr.verdict.matching import match
from token_difr.verdict.statistics import MISMATCH_RATE
from token_difr.verdict.sums import sequence_sums


def scores_of(rng: np.random.Generator, sequences: int, rate: float, *, tokens: int = 64) -> Scores:
    """Scores whose margins are zero but for a share ``rate``, which are exponential with mean 0.5."""
    margin = np.where(rng.random(sequences * tokens) < rate, rng.exponential(0.5, sequences * tokens), 0.0)
    return Scores.from_margins(margin.astype(np.float32), np.arange(0, sequences * tokens + 1, tokens))


def test_many_more_mismatches_are_divergent() -> None:
    """A match rate of 90 % against 98 %."""
    rng = np.random.default_rng(0)
    comparison = compare(scores_of(rng, 60, 0.10), scores_of(rng, 60, 0.02))

    assert comparison.verdict is Verdict.DIVERGENT
    assert comparison.p_value < 0.01
    assert comparison.match_loss == pytest.approx(0.08, abs=0.02)
    assert comparison.match_loss_upper > comparison.match_loss


def test_the_same_rate_is_consistent_with_enough_sequences() -> None:
    """149 sequences a side are as many as two points ask for, and bound the loss under them."""
    rng = np.random.default_rng(1)
    comparison = compare(scores_of(rng, 149, 0.02), scores_of(rng, 149, 0.02))

    assert comparison.verdict is Verdict.CONSISTENT
    assert comparison.match_loss_upper < 0.02


def test_too_few_sequences_are_inconclusive_however_well_they_match() -> None:
    """29 sequences without a mismatch prove nothing yet."""
    rng = np.random.default_rng(2)
    comparison = compare(scores_of(rng, 29, 0.0), scores_of(rng, 100, 0.0))

    assert comparison.verdict is Verdict.INCONCLUSIVE
    assert "too few sequences: 29" in comparison.reason


def test_short_sequences_are_inconclusive() -> None:
    """30 sequences of two tokens cannot bound the loss under two points."""
    rng = np.random.default_rng(3)

    assert compare(scores_of(rng, 30, 0.0, tokens=2), scores_of(rng, 30, 0.0, tokens=2)).verdict is Verdict.INCONCLUSIVE


def test_no_tokens_at_all_are_inconclusive_and_say_which_side() -> None:
    """Nothing is divided by zero."""
    rng = np.random.default_rng(4)
    nothing = Scores.from_margins(np.empty(0, np.float32), np.array([0]))
    comparison = compare(nothing, scores_of(rng, 30, 0.0))

    assert comparison.verdict is Verdict.INCONCLUSIVE
    assert "candidate" in comparison.reason
    assert math.isnan(comparison.p_value)


def test_without_a_baseline_every_run_is_inconclusive() -> None:
    """A bare percentage is no verdict."""
    decision = decide(scores_of(np.random.default_rng(5), 100, 0.0))

    assert decision.verdict is Verdict.INCONCLUSIVE
    assert "baseline" in decision.reason


def test_the_comparison_repeats_with_its_seed() -> None:
    """The same scores and seed give the same record, to the bit."""
    rng = np.random.default_rng(6)
    candidate, baseline = scores_of(rng, 40, 0.05), scores_of(rng, 40, 0.04)

    assert compare(candidate, baseline, seed=3) == compare(candidate, baseline, seed=3)


@pytest.mark.parametrize("level", [0.0, 0.0001, 1.0, -0.1, float("nan")])
def test_a_level_outside_its_range_is_refused(level: float) -> None:
    """And the message shows it."""
    scores = scores_of(np.random.default_rng(7), 2, 0.0)

    with pytest.raises(InputError, match="level must lie in"):
        compare(scores, scores, level=level)


@pytest.mark.parametrize("seed", [-1, 2**63])
def test_a_seed_outside_its_range_is_refused(seed: int) -> None:
    """And the message shows it."""
    scores = scores_of(np.random.default_rng(7), 2, 0.0)

    with pytest.raises(InputError, match="seed must lie between"):
        compare(scores, scores, seed=seed)


def test_answers_that_are_left_out_are_found() -> None:
    """Two thirds of the answers empty, the others perfect: divergent, and the summary counts them."""
    rng = np.random.default_rng(11)
    lengths = np.where(np.arange(100) % 3 == 0, 64, 0)
    empty = Scores.from_margins(np.zeros(lengths.sum(), np.float32), np.concatenate([[0], lengths.cumsum()]))
    comparison = compare(empty, scores_of(rng, 100, 0.01))

    assert comparison.verdict is Verdict.DIVERGENT
    assert "empty_rate" in comparison.reason
    assert summarize(empty).empty_sequences == 66


def test_the_interval_of_a_rate_does_not_collapse() -> None:
    """One sequence of two tokens says next to nothing of the rate."""
    rate = summarize(Scores.from_margins(np.zeros(2, np.float32), np.array([0, 2]))).exact_match_rate

    assert rate.value == rate.high == 1.0
    assert rate.low < 0.5


def test_the_summary_of_nothing_is_nan_not_an_error() -> None:
    """Zero tokens."""
    summary = summarize(Scores.from_margins(np.empty(0, np.float32), np.array([0, 0])))

    assert (summary.sequences, summary.tokens, summary.decided_tokens) == (1, 0, 0)
    assert all(math.isnan(value) for value in summary.exact_match_rate)
    assert math.isnan(summary.mean_margin)


def test_the_summary_counts_what_was_scored() -> None:
    """Rates over the decided tokens, with an interval around them."""
    scores = Scores.from_margins(np.array([0, 0, 0.5, math.inf], np.float32), np.array([0, 2, 4]))
    summary = summarize(scores)

    assert summary.decided_tokens == 4
    assert summary.exact_match_rate.value == 0.5
    assert summary.exact_match_rate.low <= 0.5 <= summary.exact_match_rate.high
    assert summary.infinite_margin_rate == 0.25
    assert summary.statistics["clipped_margin_1"].value == pytest.approx((0.5 + 1) / 4)


def unseeded(rng: np.random.Generator, scale: float) -> Scores:
    """100 sequences of 100 tokens whose surprise has mean 0 and the given spread."""
    surprise = (scale * (rng.exponential(1.0, 10_000) - 1)).astype(np.float32)
    return Scores.from_margins(
        np.full(10_000, np.nan, np.float32),
        np.arange(0, 10_001, 100),
        surprise=surprise,
        status=np.full(10_000, ScoreStatus.UNREPLAYED),
    )


def test_without_a_seed_the_surprise_tells_in_both_directions() -> None:
    """A wider spread (a higher temperature) and a narrower one (a lower) are divergent."""
    rng = np.random.default_rng(8)
    baseline = unseeded(rng, 1.0)

    for scale in (1.15, 0.85):
        assert compare(unseeded(rng, scale), baseline).verdict is Verdict.DIVERGENT


def test_without_a_seed_an_honest_run_is_inconclusive_not_consistent() -> None:
    """There is no match rate to bound."""
    rng = np.random.default_rng(9)
    comparison = compare(unseeded(rng, 1.0), unseeded(rng, 1.0))

    assert comparison.verdict is Verdict.INCONCLUSIVE
    assert "without a seed" in comparison.reason
    assert {entry.name for entry in comparison.statistics} == {"empty_rate", "surprise_above", "surprise_below"}


def test_hiding_in_undecided_positions_is_found() -> None:
    """A candidate of whom ten times as many positions cannot be decided is divergent, though none mismatches."""
    rng = np.random.default_rng(10)

    def mostly_matching(share: float) -> Scores:
        undecided = rng.random(9536) < share
        return Scores.from_margins(
            np.where(undecided, np.nan, 0.0).astype(np.float32),
            np.arange(0, 9537, 64),
            status=np.where(undecided, ScoreStatus.UNDECIDED, ScoreStatus.SCORED),
        )

    assert compare(mostly_matching(0.1), mostly_matching(0.01)).verdict is Verdict.DIVERGENT
    assert compare(mostly_matching(0.01), mostly_matching(0.01)).verdict is Verdict.CONSISTENT


def test_a_verdict_keeps_its_rule() -> None:
    """Given in parts or whole; a part that is given stands for that of the rule."""
    scores = scores_of(np.random.default_rng(12), 40, 0.02)
    rule = Rule(level=0.05, tolerance=0.1, permutations=499, most_permutations=999, seed=7)
    decision = decide(scores, scores, rule=rule)

    assert decision.comparison is not None
    assert decision.rule == decision.comparison.rule == rule
    assert decision.comparison.level == 0.05
    assert decide(scores).rule == Rule()
    assert compare(scores, scores, level=0.2, seed=3).rule == Rule(level=0.2, seed=3)
    assert compare(scores, scores, level=0.2, rule=rule).rule == replace(rule, level=0.2)


@pytest.mark.parametrize(
    ("rule", "verdict"),
    [
        (Rule(), Verdict.INCONCLUSIVE),
        (Rule(tolerance=0.15), Verdict.CONSISTENT),
        (Rule(tolerance=0.13), Verdict.INCONCLUSIVE),
    ],
)
def test_the_rule_decides(rule: Rule, verdict: Verdict) -> None:
    """20 sequences a side that match throughout: enough for a loss of 15 points, not for one of 13 or of two."""
    scores = scores_of(np.random.default_rng(13), 20, 0.0)

    assert compare(scores, scores, rule=rule).verdict is verdict


def test_the_deciding_statistic_is_named_and_explained() -> None:
    """It is the one with the smallest p-value, and what the reason names; without a statistic there is none."""
    rng = np.random.default_rng(14)
    comparison = compare(scores_of(rng, 60, 0.10), scores_of(rng, 60, 0.02))
    entries = {entry.name: entry for entry in comparison.statistics}
    nothing = Scores.from_margins(np.empty(0, np.float32), np.array([0]))

    assert comparison.deciding is not None
    assert f"most of all in {comparison.deciding}:" in comparison.reason
    assert entries[comparison.deciding].p_value == min(entry.p_value for entry in entries.values())
    assert (entries["mismatch_rate"].unit, entries["mismatch_rate"].two_sided) == ("share", False)
    assert "not the reference's own choice" in entries["mismatch_rate"].gloss
    assert compare(nothing, nothing).deciding is None


def test_sums_of_different_statistics_are_not_compared() -> None:
    """Their columns mean different things."""
    scores = scores_of(np.random.default_rng(15), 4, 0.0)

    with pytest.raises(InputError, match="different statistics"):
        compare_matched(replace(match(scores, scores), baseline=sequence_sums(scores, (MISMATCH_RATE,))), Rule())
