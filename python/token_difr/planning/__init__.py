"""How many answers show a deviation, and what so many answers would have shown."""

from token_difr.planning.detection import ROUGH_BELOW, Design, answers_needed, power
from token_difr.planning.forecasting import forecast
from token_difr.planning.measuring import measured, noise_of, with_deviation
from token_difr.planning.planner import Plan, plan

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
