"""Scores -> verdict: what the scores say together, how sure that is, and whether it is worse than a baseline."""

from token_difr.verdict.assay import doubts
from token_difr.verdict.comparison import SideRows, compare
from token_difr.verdict.decision import decide
from token_difr.verdict.partings import worst_partings
from token_difr.verdict.rows import RowFacts, row_facts
from token_difr.verdict.summary import summarize

__all__ = ["RowFacts", "SideRows", "compare", "decide", "doubts", "row_facts", "summarize", "worst_partings"]
