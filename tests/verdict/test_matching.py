"""Which answers are held against which: lengths alike on both sides, pairs checked, nothing but the end cut away."""

from __future__ import annotations

import numpy as np
import pytest

from token_difr import InputError, Scores, ScoreStatus
from token_difr.verdict.matching import RANKS, cut, match, matched_lengths
from token_difr.verdict.permutation import FEWEST_PAIRS
from token_difr.verdict.statistics import MISMATCH_RATE, STATISTICS


def scores_of(*answers: list[float]) -> Scores:
    """Answers by their margins."""
    lengths = [len(answer) for answer in answers]
    return Scores.from_margins(
        np.array([margin for answer in answers for margin in answer], np.float32),
        np.concatenate([[0], np.cumsum(lengths)]),
    )


@pytest.mark.parametrize(
    ("ours", "theirs", "our_cut", "their_cut"),
    [
        ([5, 1, 3], [2, 9, 4], [5, 1, 3], [2, 5, 4]),
        ([10, 10], [3, 7], [7, 7], [3, 7]),
        ([50, 40, 30, 20, 10], [1, 2, 3, 20, 25], [25, 25, 25, 20, 3], [1, 2, 3, 20, 25]),
        ([9] * 6, [1, 2, 3, 4, 5, 6], [3, 4, 5, 6, 6, 6], [1, 2, 3, 4, 5, 6]),
        ([9] * 12, [1, 2, 3, 4], [3, 3, 3, *[4] * 9], [1, 2, 3, 4]),
        ([9] * 4, [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6], [4, 6, 6, 6], [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6]),
        ([5], [1, 5, 9], [5], [1, 5, 5]),
        ([0, 6, 6], [4, 0, 4], [0, 4, 4], [4, 0, 4]),
        ([0, 0], [4, 4], [0, 0], [0, 0]),
        ([], [4], [], [0]),
    ],
)
def test_lengths_are_matched_by_quantiles_two_ranks_above(
    ours: list[int], theirs: list[int], our_cut: list[int], their_cut: list[int]
) -> None:
    """Each is cut to the shorter of itself and its counterpart; empty answers have none."""
    found = matched_lengths(np.array(ours, np.int64), np.array(theirs, np.int64))

    assert [side.tolist() for side in found] == [our_cut, their_cut]


def test_sides_of_other_lengths_are_alike_after_the_cut() -> None:
    """As many sequences a side: no side's length at a rank is above the other's two ranks later, and few differ by a tenth."""
    rng = np.random.default_rng(0)
    mine, other = (np.sort(side) for side in matched_lengths(rng.integers(1, 300, 80), rng.integers(1, 40, 80)))

    assert np.all(mine[:-RANKS] <= other[RANKS:])
    assert np.all(other[:-RANKS] <= mine[RANKS:])
    assert abs(mine.mean() / other.mean() - 1) < 0.1


@pytest.mark.parametrize("answers", [5, 8, 11])
def test_few_answers_of_like_lengths_keep_nearly_all_of_them(answers: int) -> None:
    """What chance makes of lengths is not cut away: at most a twentieth is, in the mean over 200 audits."""
    rng = np.random.default_rng(answers)
    kept, all_of_them = 0, 0
    for _ in range(200):
        sides = rng.integers(20, 65, answers), rng.integers(20, 65, answers)
        kept += sum(int(side.sum()) for side in matched_lengths(*sides))
        all_of_them += sum(int(side.sum()) for side in sides)

    assert kept >= 0.95 * all_of_them


def test_the_beginning_is_kept() -> None:
    """Of every column, and withheld answers stay what they are."""
    scores = scores_of([0.0, 0.1, 0.2], [0.3], [0.4, 0.5])
    left = cut(scores, np.array([2, 0]), np.array([1, 2]))

    assert left.margin.tolist() == pytest.approx([0.4, 0.0, 0.1])
    assert left.sequence_indptr.tolist() == [0, 1, 3]


def test_pairs_are_cut_to_the_shorter() -> None:
    """Row by row, in the order of the pairs, if they are enough; what has no partner is left out."""
    more = [[0.0]] * (FEWEST_PAIRS - 2)
    mine = scores_of([1.0, 0.0, 0.0], [1.0], [], *more)
    other = scores_of([0.0, 0.0], [1.0, 1.0, 1.0, 1.0], *more)
    pairs = np.array([[0, 1], [2, 0], *([3 + i, 2 + i] for i in range(len(more)))])
    matched = match(mine, other, pairs)

    assert matched.paired
    ones = [1] * len(more)
    assert [side.decided.tolist() for side in (matched.candidate, matched.baseline)] == [[3, 0, *ones]] * 2
    assert matched.candidate.column(MISMATCH_RATE)[0].tolist() == [1, 0, *[0] * len(more)]
    assert (matched.tokens, matched.compared) == ((4 + len(more), 6 + len(more)), (3 + len(more), 3 + len(more)))


def test_few_pairs_are_cut_as_other_prompts_are() -> None:
    """Their labels are dealt to all answers alike, so that their own partner's length is no limit; rows stay pairs."""
    mine, other = scores_of([1.0] * 6, [1.0] * 2, [1.0] * 4), scores_of([0.0] * 3, [0.0] * 7, [0.0] * 5)
    matched = match(mine, other, np.array([[0, 0], [2, 2], [1, 1]]))

    assert matched.paired
    assert [side.decided.tolist() for side in (matched.candidate, matched.baseline)] == [[6, 4, 2], [3, 5, 6]]


@pytest.mark.parametrize("count", [FEWEST_PAIRS - 1, FEWEST_PAIRS])
def test_lengths_are_compared_from_enough_pairs_on(count: int) -> None:
    """Whole answers are counted whole; of few pairs nothing is looked at that needs labels to be exchanged within them."""
    mine, other = scores_of(*[[0.0, 0.0]] * count), scores_of(*[[0.0, 0.0, 0.0]] * count)
    matched = match(mine, other, np.stack([np.arange(count)] * 2, axis=1))
    lengths = next(each for each in STATISTICS if each.name == "answer_length")

    assert (lengths in matched.baseline.statistics) == (count == FEWEST_PAIRS)
    if count == FEWEST_PAIRS:
        assert matched.baseline.column(lengths)[0].tolist() == [3] * count


def test_unscored_tokens_are_not_counted_as_compared() -> None:
    """There is nothing to compare them with."""
    scores = Scores.from_margins(
        np.array([0.0, np.nan], np.float32), [0, 2], status=[ScoreStatus.SCORED, ScoreStatus.UNSCORED]
    )
    assert match(scores, scores).tokens == (1, 1)


@pytest.mark.parametrize(
    ("pairs", "words"),
    [
        ([[0, 2]], "the baseline does not have"),
        ([[-1, 0]], "the candidate does not have"),
        ([[0, 0], [0, 1]], "sequence of the candidate twice"),
        ([0, 1], r"shape \(2,\)"),
    ],
)
def test_pairs_that_do_not_fit_are_refused(pairs: list[object], words: str) -> None:
    """The message says what is wrong."""
    scores = scores_of([0.0], [0.0])

    with pytest.raises(InputError, match=words):
        match(scores, scores, np.array(pairs))
