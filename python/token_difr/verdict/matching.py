"""Which answers are held against which, and how much of them: the two sides made alike before they are compared.

A permutation test asks whether the labels "candidate" and "baseline" could have been dealt the other way. That holds only
of answers that are alike in all but the label. Lengths are not: more tokens weigh more, and mismatches are commoner at the
beginning of an answer (or later on), so sides of other lengths differ though both are honest. So each answer is cut to the
length of its counterpart.

* **Same prompts** (*paired*), if they are enough to exchange labels within pairs: the counterpart is the answer to the same
  prompt.
* **Other prompts, or few pairs**: both sides are sorted by length, and the counterpart is the other side's answer at the same
  quantile, or rather ``RANKS`` above it. Whatever belongs to long answers alone is cut away on both sides.

Why above it. The k-th shortest of n answers is a quantile that chance moves by about sqrt(2 q (1 - q) n) ranks against the other
side's, where q = k / n: by one to two ranks of five to eleven answers. So of sides that are alike, a cut at the same rank takes
every difference that chance has made, and with few answers that is much of them all. What chance does need not be cut: the
deals of the test have such differences too. Of many answers two ranks are next to nothing, and nothing more may be left: chance
then moves quantiles by more ranks, but a shift of all of them in one direction would be more than the mean's own error.

Empty and withheld answers have no tokens to cut others to: they take no part in the matching of other prompts, and are
counted by statistics of their own, which like all statistics of whole answers look at the answers as they came.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from token_difr.errors import InputError
from token_difr.records import Scores, ScoreStatus
from token_difr.verdict.permutation import FEWEST_PAIRS
from token_difr.verdict.positions import Floats, Positions
from token_difr.verdict.statistics import STATISTICS, Statistic
from token_difr.verdict.sums import SequenceSums

__all__ = ["RANKS", "Matched", "cut", "match", "matched_lengths"]

Lengths = npt.NDArray[np.int64]

RANKS = 2
"""How far above its own quantile an answer's counterpart stands, in answers of the side that has fewer."""


@dataclass(frozen=True, slots=True)
class Matched:
    """Two sides that can be compared.

    Attributes:
        candidate: The candidate's sums; where ``paired``, row i is the answer to the same prompt as the baseline's row i.
        baseline: The baseline's sums.
        paired: Whether the answers are to the same prompts.
        tokens: All scored tokens of (candidate, baseline).
        compared: Those of them that are left.
        lengths: float64[answers] of (candidate, baseline); tokens of each whole answer, of those that are not withheld.
    """

    candidate: SequenceSums
    baseline: SequenceSums
    paired: bool
    tokens: tuple[int, int]
    compared: tuple[int, int]
    lengths: tuple[Floats, Floats]


def match(
    candidate: Scores,
    baseline: Scores,
    pairs: npt.NDArray[np.int64] | None = None,
    statistics: tuple[Statistic, ...] = STATISTICS,
) -> Matched:
    """Cut both sides to their counterparts' lengths and sum them up.

    Args:
        candidate: The candidate's scores.
        baseline: The baseline's scores.
        pairs: int64[n, 2]; indexes (candidate, baseline) of the sequences with the same prompt. None = other prompts.
        statistics: What to sum; those of answers to the same prompts are left out where there are no ``pairs``, or too few
            to exchange labels within them.

    Raises:
        InputError: Pairs of another shape, of sequences that are not there, or a sequence that is in two of them.
    """
    sides = (candidate, baseline)
    chosen = tuple(np.arange(len(side)) for side in sides) if pairs is None else _checked(pairs, sides)
    ours, theirs = (_lengths(side)[indexes] for side, indexes in zip(sides, chosen, strict=True))
    if pairs is None or len(pairs) < FEWEST_PAIRS:
        lengths = matched_lengths(ours, theirs)
        statistics = tuple(statistic for statistic in statistics if not statistic.paired)
    else:
        lengths = (np.minimum(ours, theirs),) * 2
    sums, compared = [], []
    for side, indexes, length in zip(sides, chosen, lengths, strict=True):
        left = cut(side, indexes, length)
        own = _lengths(side)[indexes]
        sums.append(_summed(left, left if np.array_equal(length, own) else cut(side, indexes, own), statistics))
        compared.append(_scored_tokens(left))
    tokens = (_scored_tokens(candidate), _scored_tokens(baseline))
    whole = (_known_lengths(candidate, chosen[0]), _known_lengths(baseline, chosen[1]))
    return Matched(sums[0], sums[1], pairs is not None, tokens, (compared[0], compared[1]), whole)


def matched_lengths(ours: Lengths, theirs: Lengths) -> tuple[Lengths, Lengths]:
    """To what length each sequence is cut, int64[sequences] for either side; empty sequences stay empty.

    A side's k-th shortest of n sequences, k from 0, stands at the quantile (k + 1/2) / n. It is cut to the shorter of itself
    and of the other side's sequence at the quantile (k + 1/2) / n + ``RANKS`` / m, where m is the number of sequences of the
    side that has fewer, or of its longest.
    """
    return _cut_lengths(ours, theirs), _cut_lengths(theirs, ours)


def _cut_lengths(lengths: Lengths, others: Lengths) -> Lengths:
    cut_to = np.zeros_like(lengths)
    order, other = np.argsort(lengths, kind="stable"), np.sort(others[others > 0])
    order = order[lengths[order] > 0]
    if order.size and other.size:
        # In whole numbers: quantiles and ranks over 2 n m, times the other side's number.
        fewer = min(order.size, other.size)
        quantiles = (2 * np.arange(order.size) + 1) * fewer + 2 * RANKS * order.size
        counterparts = quantiles * other.size // (2 * order.size * fewer)
        cut_to[order] = np.minimum(lengths[order], other[np.minimum(counterparts, other.size - 1)])
    return cut_to


def cut(scores: Scores, sequences: npt.NDArray[np.int64], lengths: Lengths) -> Scores:
    """The first ``lengths[i]`` positions of the sequences with these indexes, in their order."""
    starts = scores.sequence_indptr[:-1][sequences]
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    positions = np.repeat(starts - offsets[:-1], lengths) + np.arange(offsets[-1])
    columns = {
        name: value[positions]
        for name, value in scores.to_arrays().items()
        if name not in {"sequence_indptr", "withheld", "unread", "improper_rows"}
    }
    withheld = None if scores.withheld is None else scores.withheld[sequences]
    unread = None if scores.unread is None else scores.unread[sequences]
    return replace(scores, **columns, sequence_indptr=offsets, withheld=withheld, unread=unread)


def _summed(left: Scores, whole: Scores, statistics: tuple[Statistic, ...]) -> SequenceSums:
    """Statistics of positions over what is left of the answers, those of answers over the whole ones."""
    parts, answers = Positions(left), Positions(whole)
    sums = [statistic.sums(answers if statistic.per == "sequence" else parts) for statistic in statistics]
    totals, weights = zip(*sums, strict=True)
    return SequenceSums(np.stack(totals, axis=1), np.stack(weights, axis=1), statistics)


def _lengths(scores: Scores) -> Lengths:
    return np.diff(scores.sequence_indptr)


def _known_lengths(scores: Scores, sequences: Lengths) -> Floats:
    known = sequences if scores.withheld is None else sequences[~scores.withheld[sequences]]
    return _lengths(scores)[known].astype(np.float64)


def _scored_tokens(scores: Scores) -> int:
    return int(np.count_nonzero(scores.status != ScoreStatus.UNSCORED))


def _checked(pairs: npt.NDArray[np.int64], sides: tuple[Scores, Scores]) -> tuple[Lengths, Lengths]:
    pairs = np.asarray(pairs, np.int64)
    if pairs.ndim != 2 or pairs.shape[1] != 2:
        raise InputError(f"pairs has shape {pairs.shape}: it should be (n, 2)")
    for name, indexes, side in zip(("the candidate", "the baseline"), pairs.T, sides, strict=True):
        if indexes.size and not 0 <= indexes.min() <= indexes.max() < len(side):
            raise InputError(f"pairs names a sequence that {name} does not have: it has {len(side)}")
        if len(np.unique(indexes)) < len(indexes):
            raise InputError(f"pairs names a sequence of {name} twice")
    return pairs[:, 0], pairs[:, 1]
