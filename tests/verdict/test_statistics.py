"""The statistics: their sums against the definition position by position, and what each must say of itself."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest

from token_difr import Scores, ScoreStatus
from token_difr.records import Rule
from token_difr.verdict.permutation import permutation_test
from token_difr.verdict.positions import Positions
from token_difr.verdict.statistics import MISMATCH_RATE, STATISTICS, Columns, Statistic
from token_difr.verdict.sums import sequence_sums

S = ScoreStatus
NAN, INF = math.nan, math.inf


def three_sequences() -> Scores:
    """Seven positions of every status, none, and one."""
    return Scores.from_margins(
        np.array([0.0, 0.2, INF, INF, NAN, NAN, NAN, 2.0], np.float32),
        np.array([0, 7, 7, 8]),
        margin_bound=np.array([0.0, 0.2, 3.0, 50.0, NAN, NAN, NAN, 2.0], np.float32),
        surprise=np.array([NAN, NAN, NAN, NAN, NAN, NAN, -0.5, NAN], np.float32),
        status=[S.SCORED, S.SCORED, S.CENSORED, S.FILTERED, S.UNDECIDED, S.UNSCORED, S.UNREPLAYED, S.SCORED],
    )


@pytest.mark.parametrize(
    ("name", "totals", "weights"),
    [
        ("clipped_margin_0.1", [3.0, 0, 1.0], [4, 0, 1]),
        ("clipped_margin_5", [(0.2 + 3 + 5) / 5, 0, 2 / 5], [4, 0, 1]),
        ("margin_0.02_to_0.5", [1, 0, 0], [4, 0, 1]),
        ("margin_0.1_to_1", [1, 0, 0], [4, 0, 1]),
        ("withheld_rate", [0, 0, 0], [0, 0, 0]),
        ("answer_length", [7, 0, 1], [1, 1, 1]),
        ("clipped_margin_30", [(0.2 + 3 + 30) / 30, 0, 2 / 30], [4, 0, 1]),
        ("mismatch_rate", [3, 0, 1], [4, 0, 1]),
        ("undecided_rate", [1, 0, 0], [5, 0, 1]),
        ("empty_rate", [0, 1, 0], [1, 1, 1]),
        ("surprise_above", [0, 0, 0], [1, 0, 0]),
        ("surprise_below", [0.5, 0, 0], [1, 0, 0]),
    ],
)
def test_sums(name: str, totals: list[float], weights: list[float]) -> None:
    """What counts, and what it adds up to, in each sequence."""
    (statistic,) = (each for each in STATISTICS if each.name == name)
    found = sequence_sums(three_sequences()).column(statistic)

    assert found[0].tolist() == pytest.approx(totals)
    assert found[1].tolist() == weights


def test_sequences_that_are_only_counted_are_none() -> None:
    """An empty answer counts in the rate of empty answers, and has no position to compare."""
    assert sequence_sums(three_sequences()).sequences == 2


def test_statistics_explain_themselves() -> None:
    """Names are unique, units known, and each has a gloss of one line without the jargon of this code base."""
    assert len({statistic.name for statistic in STATISTICS}) == len(STATISTICS)
    for statistic in STATISTICS:
        assert statistic.unit in {"share", "nats", "tokens"}
        assert 20 < len(statistic.gloss) < 200
        assert not {"margin", "clip", "mismatch"} & set(statistic.gloss.split())


def test_a_statistic_of_ones_own_needs_nothing_but_itself() -> None:
    """Sums, means, tests and pickles take the statistics that they are given."""
    longest = Statistic(
        name="long_rate",
        unit="share",
        gloss="share of answers of more than five tokens",
        columns=_long,
        two_sided=True,
        per="sequence",
    )
    sums = sequence_sums(three_sequences(), (MISMATCH_RATE, longest))

    assert sums.means.tolist() == [0.8, 1 / 3]
    assert permutation_test(sums, sums, rule=Rule(permutations=99, level=0.05)).adjusted.min() > 0.5
    assert sums.take([0]).statistics == (MISMATCH_RATE, longest)
    assert pickle.loads(pickle.dumps(sums)).statistics == sums.statistics  # noqa: S301  # our own bytes


def _long(positions: Positions) -> Columns:
    lengths = positions.lengths
    return Columns(lengths > 5, np.ones(len(lengths)))
