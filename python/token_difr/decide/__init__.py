"""Scores -> verdict: what the scores say together, how sure that is, and whether it is worse than a baseline."""

from token_difr.decide.comparison import Comparison, StatisticComparison, Verdict, compare
from token_difr.decide.decision import Decision, decide
from token_difr.decide.intervals import Estimate
from token_difr.decide.summary import Summary, summarize

__all__ = [
    "Comparison",
    "Decision",
    "Estimate",
    "StatisticComparison",
    "Summary",
    "Verdict",
    "compare",
    "decide",
    "summarize",
]
