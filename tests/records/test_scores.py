"""Scores: columns that behave as the lists of token-difr 0.1."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from token_difr import InputError, Scores, ScoreStatus, TokenMetrics, TopKBatch, score

ROW = [(5, -0.5), (7, -1.25)]


def three_sequences() -> Scores:
    """Two tokens, none, and one."""
    return score(TopKBatch.from_rows([ROW, ROW, None], [5, 7, 1], sequence_indptr=[0, 2, 2, 3]))


def test_scores_behave_as_lists_of_lists() -> None:
    """Length, indexes from both ends, slices, iteration and empty outputs are those of a list of lists."""
    scores = three_sequences()
    lists = list(scores)

    assert len(scores) == 3
    assert [len(tokens) for tokens in scores] == [2, 0, 1]
    assert scores[1] == []
    assert scores[0][1] == lists[0][1] == TokenMetrics(False, float(scores.prob[1]), 0.75, 1.0, 1.0)
    assert scores[:2] == lists[:2]
    assert scores[-3] == lists[0]
    with pytest.raises(IndexError):
        scores[3]


def test_tokens_are_built_in_types() -> None:
    """Users assert ``isinstance(m.prob, float)``: a NumPy scalar would not do."""
    for tokens in three_sequences():
        for token in tokens:
            assert type(token.exact_match) is bool
            assert {type(value) for value in (token.prob, token.margin, token.logit_rank, token.gumbel_rank)} == {float}


def test_repr_counts_what_happened() -> None:
    """The representation says how many tokens have which status."""
    assert repr(three_sequences()) == "Scores(3 sequences, 3 tokens: 2 scored, 1 unscored)"
    assert repr(Scores.from_margins([], [0])) == "Scores(0 sequences, 0 tokens: none)"


def test_scores_from_margins() -> None:
    """Margins alone make scores: a match is a margin of 0, NaN is not scored, all else is unknown."""
    scores = Scores.from_margins([0, 0.5, math.inf, math.nan], [0, 1, 4])

    assert scores.exact_match.tolist() == [True, False, False, False]
    assert scores.status.tolist() == [ScoreStatus.SCORED] * 3 + [ScoreStatus.UNSCORED]
    assert scores.margin_bound.tobytes() == scores.margin.tobytes()
    assert np.isnan(scores.prob).all()
    assert len(scores) == 2
    assert scores.margin.dtype == np.float32
    assert scores.percentile is None
    assert scores.withheld is None


def test_scores_from_margins_take_what_is_optional() -> None:
    """Percentiles by position, and the sequences that were not scored."""
    scores = Scores.from_margins([0, 0.5], [0, 1, 1, 2], percentile=[0.25, math.nan], withheld=[False, True, False])

    assert scores.percentile is not None
    assert scores.percentile.dtype == np.float32
    assert scores.withheld is not None
    assert scores.withheld.tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"margin": [0, -1]}, r"margin\[1\] is -1.0: a margin is at least 0"),
        (
            {"margin": [0, 1], "sequence_indptr": [0, 1]},
            "sequence_indptr must rise from 0 to the number of positions, 2",
        ),
        ({"margin": [0, 1], "sequence_indptr": [0, 2, 1, 2]}, "sequence_indptr must rise"),
        ({"margin": [0, 1], "sequence_indptr": []}, "sequence_indptr must rise"),
        ({"margin": [0, 1], "prob": [0.5]}, r"prob has shape \(1,\), but status has 2 entries"),
        ({"margin": [0, 1], "percentile": [0.5]}, r"percentile has shape \(1,\), but status has 2 entries"),
        ({"margin": [0, 1], "percentile": [0.5, 1.5]}, r"percentile must lie in \[0, 1\], or be NaN"),
        ({"margin": [0], "withheld": [False, True]}, r"withheld has shape \(2,\), but there are 1 sequences"),
        ({"margin": [0], "withheld": [True]}, "a sequence that is withheld has no positions"),
    ],
)
def test_columns_that_do_not_fit_are_named(arguments: dict[str, Any], message: str) -> None:
    """Scores that make no sense say what is wrong with them."""
    with pytest.raises(InputError, match=message):
        Scores.from_margins(**arguments)


@pytest.mark.parametrize(
    "optional",
    [
        {},
        {"rival_possible": np.array([True, False, True])},
        {"percentile": np.array([0.25, 1, np.nan], np.float32), "withheld": np.array([False, True, False])},
    ],
)
def test_arrays_survive_a_file(tmp_path: Path, optional: dict[str, Any]) -> None:
    """``to_arrays`` and ``from_arrays`` round-trip through an .npz file, NaN and infinities included."""
    scores = Scores.from_arrays({**three_sequences().to_arrays(), **optional})
    path = tmp_path / "scores.npz"
    np.savez(path, allow_pickle=False, **scores.to_arrays())
    with np.load(path) as loaded:
        again = Scores.from_arrays(loaded)

    for name, array in scores.to_arrays().items():
        assert np.asarray(getattr(again, name)).tobytes() == array.tobytes(), name
    for name in ("rival_possible", "percentile", "withheld"):
        assert (getattr(again, name) is None) == (name not in optional), name


def test_missing_columns_are_named() -> None:
    """Arrays that make no scores say what they lack."""
    arrays = three_sequences().to_arrays()
    del arrays["prob"], arrays["status"]
    with pytest.raises(InputError, match="the arrays of scores lack prob, status"):
        Scores.from_arrays(arrays)


def test_scores_cannot_be_written_to() -> None:
    """Columns are read-only: others may hold the same scores."""
    with pytest.raises(ValueError, match="read-only"):
        three_sequences().margin[0] = 1
