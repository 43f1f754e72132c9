"""Whether the rule that a run is judged by is the one that stood before it began."""

from __future__ import annotations

from token_difr.records import Finding, Rule
from token_difr.records.part import differences

__all__ = ["CHANGED_RULE", "changed_rule"]

CHANGED_RULE = "changed_rule"


def changed_rule(stated: Rule | None, used: Rule) -> Finding | None:
    """A warning where they differ: a threshold that is chosen beside the answers may be chosen for what they show.

    Args:
        stated: The rule that stood before the first answer was asked for; None = none was stated, so that nothing can be said.
        used: The rule that the run is judged by.
    """
    if stated is None or stated == used:
        return None
    figures = {name: {"stated": before, "used": after} for name, (before, after) in differences(stated, used).items()}
    named = ", ".join(f"{name} {pair['used']:g}, stated was {pair['stated']:g}" for name, pair in figures.items())
    text = f"judged by another rule than was stated before the first answer: {named}"
    return Finding.of(CHANGED_RULE, text, figures, warning=True)
