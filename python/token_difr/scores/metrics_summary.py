"""The averages over all tokens that users of token-difr 0.1 know, under the same names.

On the metrics that token-difr 0.1.2 makes, the numbers are its own: an infinite rank makes the mean infinite, and a token
without a margin that is a number (its row was empty) counts as a mismatch. What 0.1.2 does not know are tokens of which
nothing is known: NaN is left out of each mean, and tokens without margin and Gumbel rank out of each rate.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from token_difr.records import Scores, TokenMetrics
from token_difr.records.scores import METRICS

__all__ = ["compute_metrics_summary"]


def compute_metrics_summary(results: Sequence[Sequence[TokenMetrics]], verbose: bool = False) -> dict[str, Any]:
    """Summarize scores over all tokens.

    Args:
        results: What ``score`` or the ``verify_outputs`` functions return.
        verbose: Write the summary to standard output, in five lines (none if there are no tokens).

    Returns:
        ``total_tokens`` (every token counts), ``exact_match_rate``, ``avg_prob``, ``avg_margin`` (over the finite
        margins; ``inf`` if there are tokens but no finite margin), ``infinite_margin_rate``, ``avg_logit_rank``,
        ``avg_gumbel_rank``. Without tokens, or without known values, the others are 0.
    """
    columns = _columns(results)
    margin = columns["margin"]
    known = ~(np.isnan(margin) & np.isnan(columns["gumbel_rank"]))
    summary = {
        "total_tokens": margin.size,
        "exact_match_rate": _mean(columns["exact_match"][known]),
        "avg_prob": _known_mean(columns["prob"]),
        "avg_margin": _mean(margin[np.isfinite(margin)], np.inf if margin.size else 0.0),
        "infinite_margin_rate": _mean(~np.isfinite(margin[known])),
        "avg_logit_rank": _known_mean(columns["logit_rank"]),
        "avg_gumbel_rank": _known_mean(columns["gumbel_rank"]),
    }
    if verbose and margin.size:
        sys.stdout.write(_text(summary))
    return summary


def _columns(results: Sequence[Sequence[TokenMetrics]]) -> Mapping[str, NDArray[Any]]:
    if isinstance(results, Scores):
        return {name: getattr(results, name) for name in METRICS}
    tokens = [token for tokens in results for token in tokens]
    return {name: np.array([getattr(token, name) for token in tokens], np.float64) for name in METRICS}


def _known_mean(values: NDArray[Any]) -> float:
    return _mean(values[~np.isnan(values)])


def _mean(values: NDArray[Any], if_none: float = 0.0) -> float:
    return float(values.mean(dtype=np.float64)) if values.size else float(if_none)


def _text(summary: Mapping[str, Any]) -> str:
    return (
        "Verification Summary:\n"
        f"  Total tokens: {summary['total_tokens']}\n"
        f"  Exact match rate: {summary['exact_match_rate']:.2%}\n"
        f"  Average probability: {summary['avg_prob']:.4f}\n"
        f"  Average margin: {summary['avg_margin']:.4f} ({summary['infinite_margin_rate']:.2%} infinite)\n"
    )
