"""Verdicts that would be wrong, or said wrongly: one case each."""

from __future__ import annotations

import numpy as np
import pytest

from token_difr import Scores, ScoreStatus
from token_difr.records import Rule, Verdict
from token_difr.verdict import compare


def answers(lengths: list[int], rate: float = 0.02, *, seed: int = 0, early: float = 0.0) -> Scores:
    """Answers of these lengths; ``early`` times the rate more mismatch at the beginning."""
    rng = np.random.default_rng(seed)
    position = np.concatenate([np.arange(length) for length in lengths]) if sum(lengths) else np.empty(0)
    wrong = rng.random(len(position)) < rate * (1 + early * np.exp(-position / 16))
    margin = np.where(wrong, rng.exponential(0.5, len(position)), 0.0).astype(np.float32)
    return Scores.from_margins(margin, np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64))


@pytest.mark.parametrize("empty", [99, 100])
def test_empty_answers_are_divergent_by_their_number(empty: int) -> None:
    """99 of 100, and all of them; and the reason is that they are empty."""
    comparison = compare(answers([0] * empty + [64] * (100 - empty)), answers([64] * 100, seed=1))

    assert comparison.verdict is Verdict.DIVERGENT
    assert comparison.deciding == "empty_rate"


def test_mostly_unscored_is_not_consistent() -> None:
    """68 of 100 answers without a row."""
    honest = answers([64] * 150)
    status = np.where(np.arange(150 * 64) < 68 * 64, ScoreStatus.UNSCORED, ScoreStatus.SCORED)
    unscored = Scores.from_margins(
        np.where(status, np.nan, honest.margin).astype(np.float32), honest.sequence_indptr, status=status
    )

    assert compare(unscored, honest).verdict is Verdict.INCONCLUSIVE


def test_shorter_answers_are_no_fault_and_their_number_is_told() -> None:
    """More mismatches at the beginning: an honest provider that was cut at 20 tokens is not divergent."""
    comparison = compare(answers([20] * 160, early=2), answers([64] * 160, early=2, seed=1))

    assert comparison.verdict is not Verdict.DIVERGENT
    assert comparison.compared_tokens == (3200, 3200)
    assert comparison.tokens == (3200, 10240)


def test_a_candidate_of_whom_little_is_compared_is_not_consistent() -> None:
    """The baseline's answers are too short to say anything of the rest."""
    comparison = compare(answers([200] * 160, 0.001), answers([64] * 160, 0.001, seed=1))

    assert comparison.verdict is Verdict.INCONCLUSIVE
    assert "only 10,240 of the candidate's 32,000 tokens" in comparison.reason


def test_a_candidate_that_matches_better_is_said_to() -> None:
    """No negative points below."""
    reason = compare(answers([64] * 150, 0.0), answers([64] * 150, 0.05, seed=1)).reason

    assert "points above it (95 % bound" in reason
    assert "-" not in reason


def test_both_sides_undecided_have_a_seed_but_nothing_decided() -> None:
    """Within what may be left out, if the rule allows all: the reason is not the seed's absence."""
    margin = np.full(3200, np.nan, np.float32)
    undecided = Scores.from_margins(margin, np.arange(0, 3201, 20), status=np.full(3200, ScoreStatus.UNDECIDED))
    reason = compare(undecided, undecided, rule=Rule(most_left_out=1.0)).reason

    assert "seed" not in reason
    assert "no token is decided" in reason


def test_the_same_prompts_are_compared_in_pairs() -> None:
    """What the prompts do to both sides cancels out: a loss that others drown is found."""
    rng = np.random.default_rng(5)
    own = rng.beta(0.3, 4, 60)
    sides = []
    for factor, seed in ((1.6, 1), (1.0, 2)):
        rates = np.clip(np.repeat(own, 64) * factor, 0, 1)
        wrong = np.random.default_rng(seed).random(60 * 64) < rates
        sides.append(Scores.from_margins(wrong.astype(np.float32), np.arange(0, 60 * 64 + 1, 64)))
    pairs = np.repeat(np.arange(60)[:, None], 2, axis=1)

    assert compare(*sides).p_value > 0.01
    assert compare(*sides, pairs=pairs).verdict is Verdict.DIVERGENT


@pytest.mark.parametrize("lengths", [[20] * 100, [100] * 100])
def test_answers_of_another_length_to_the_same_prompts_are_a_difference(lengths: list[int]) -> None:
    """Shorter or longer: with the same prompts honest lengths are alike."""
    rng = np.random.default_rng(3)
    usual = rng.integers(30, 65, 100).tolist()
    pairs = np.repeat(np.arange(100)[:, None], 2, axis=1)
    comparison = compare(answers(lengths), answers(usual, seed=1), pairs=pairs)

    assert comparison.verdict is Verdict.DIVERGENT
    assert comparison.deciding == "answer_length"


def test_withholding_is_a_difference_and_empty_answers_are_others() -> None:
    """15 of 100 answers with a false count: too few to say nothing, and more than the baseline has."""
    honest = answers([64] * 150, seed=1)
    lengths = [0] * 22 + [64] * 128
    hiding = Scores.from_arrays(answers(lengths).to_arrays() | {"withheld": np.array(lengths) == 0})
    comparison = compare(hiding, honest)

    assert comparison.verdict is Verdict.DIVERGENT
    assert comparison.deciding == "withheld_rate"
    assert {entry.name: entry.candidate for entry in comparison.statistics}["empty_rate"] == 0


@pytest.mark.parametrize("power", [0.6, 1.6])
def test_percentiles_tell_an_unseeded_sampler_in_both_directions(power: float) -> None:
    """An honest sampler spreads them evenly; surprises of 0 say nothing here."""

    def unseeded(exponent: float, seed: int) -> Scores:
        percentile = np.random.default_rng(seed).random(6400) ** exponent
        made = Scores.from_margins(
            np.full(6400, np.nan, np.float32),
            np.arange(0, 6401, 64),
            surprise=np.zeros(6400, np.float32),
            status=np.full(6400, ScoreStatus.UNREPLAYED),
        )
        return Scores.from_arrays(made.to_arrays() | {"percentile": percentile.astype(np.float32)})

    found = compare(unseeded(power, 1), unseeded(1.0, 2))
    assert found.verdict is Verdict.DIVERGENT
    assert found.deciding is not None
    assert found.deciding.startswith("percentile_")
    assert compare(unseeded(1.0, 3), unseeded(1.0, 2)).verdict is Verdict.INCONCLUSIVE


def test_a_divergent_verdict_says_by_how_much_and_what_that_is_as_large_as() -> None:
    """The loss with its interval; and that nothing known is as large, where it is so."""
    comparison = compare(answers([64] * 60, 0.95), answers([64] * 60, seed=1))

    assert "points below the baseline's (95 % interval:" in comparison.reason
    assert comparison.as_large_as == "unknown"
    assert "no deviation that is known" in comparison.reason


def test_a_consistent_verdict_says_what_it_does_not_exclude() -> None:
    """The tolerance, the bound on the margins, and the share that could be misserved unseen."""
    reason = compare(answers([64] * 150), answers([64] * 150, seed=1)).reason

    for words in (
        "within 2 points of the baseline's match rate",
        "times the baseline's",
        "up to 2.0 % of the requests",
    ):
        assert words in reason


@pytest.mark.parametrize("paired", [False, True])
@pytest.mark.parametrize(
    ("lengths", "others", "told"),
    [([20] * 160, [64] * 160, "20.0 tokens in the mean, the baseline's 64.0"), ([64, 60] * 80, [60, 64] * 80, "")],
)
def test_answers_of_other_lengths_are_told_of_whatever_the_verdict(
    lengths: list[int], others: list[int], told: str, *, paired: bool
) -> None:
    """On other prompts too, where they are no evidence; not where they are alike."""
    pairs = np.repeat(np.arange(160)[:, None], 2, axis=1) if paired else None
    reason = compare(answers(lengths), answers(others, seed=1), pairs=pairs).reason

    assert told in reason
    assert ("tokens in the mean" in reason) == bool(told)
