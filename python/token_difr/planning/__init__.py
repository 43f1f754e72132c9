"""How many answers show a deviation, and what so many answers would have shown."""

from token_difr.planning.forecast import forecast
from token_difr.planning.measuring import measured, noise_of, with_deviation
from token_difr.planning.plan import Plan, plan
from token_difr.planning.power import ROUGH_BELOW, Design, answers_needed, power

__all__ = [
    "ROUGH_BELOW",
    "Design",
    "Plan",
    "answers_needed",
    "forecast",
    "measured",
    "noise_of",
    "plan",
    "power",
    "with_deviation",
]
