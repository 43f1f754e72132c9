"""What an audit that was asked until a verdict took, and where its bets ended."""

from __future__ import annotations

from token_difr.records import Rule, SequentialAudit
from token_difr.report.grid import Column, Grid

__all__ = ["sequential_grid"]

ENDS = {
    "divergent": "the verdict",
    "consistent": "the verdict",
    "exhausted": "no prompts were left",
    "budget": "the ceiling of cost or tokens",
}


def sequential_grid(test: SequentialAudit, rule: Rule) -> Grid:
    """A label and a value a row."""
    counterpart = "to the same prompt" if test.paired else "that came next"
    rows = (
        ("ended by", ENDS[test.stopped]),
        ("answers", f"{test.pairs:,}, each held against the baseline's {counterpart}"),
        (
            "bets",
            f"at {_last(test):,.3g} in the end, at most {max(test.wealth, default=1.0):,.3g}; divergent takes {1 / rule.level:g}",
        ),
        ("match rate lost", f"at most {100 * test.loss_upper:.2f} points in the mean (95 %, however often one looks)"),
        ("tokens asked for", f"{test.tokens:,}, of prompts and answers"),
        *((("cost", f"{test.cost:,.4f}"),) if test.cost is not None else ()),
    )
    notes = ("p-values of single statistics below are as if all answers had been asked for at once.",)
    return Grid("Asked until a verdict", (Column(), Column(least=32)), rows, notes=notes)


def _last(test: SequentialAudit) -> float:
    return test.wealth[-1] if test.wealth else 1.0
