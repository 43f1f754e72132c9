"""Every pair of providers of a date: how easily two that are alike differ as much."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from token_difr.campaign.answers import Board
from token_difr.errors import TokenDifrError
from token_difr.run.baseline import baseline_of
from token_difr.run.deciding import decision_of
from token_difr.run.directory import RunDirectory
from token_difr.verdict.tie_groups import pair_p_value

__all__ = ["pair_p_values"]


def pair_p_values(board: Board, pairs: Sequence[tuple[int, int]], runs: Sequence[Path]) -> list[float]:
    """One p-value a pair.

    Args:
        board: The answers of all providers.
        pairs: Which of them are compared.
        runs: Their run directories, in the board's order: whole answers are compared by their scores.
    """
    if (board.outcomes >= 0).any():
        return [pair_p_value(board.outcomes[i], board.outcomes[j], board.gaps) for i, j in pairs]
    # A comparison asks whether one side is worse: both directions, and twice the smaller p-value.
    return [min(1.0, 2 * min(_worse(runs[i], runs[j]), _worse(runs[j], runs[i]))) for i, j in pairs]


def _worse(candidate: Path, baseline: Path) -> float:
    """The p-value of an audit of one run against another; 1 where the two cannot be compared."""
    try:
        with RunDirectory.read(candidate) as run:
            against, scores = baseline_of(baseline, run.audit, out=candidate), run.stored_scores()
            report = run.report()
            if scores is None or report is None:
                return 1.0
            comparison = decision_of(run, scores.scores, against, report.decision.rule).comparison
    except TokenDifrError:
        return 1.0
    return 1.0 if comparison is None or not comparison.p_value <= 1 else comparison.p_value
