"""What an audit could have shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["Detectable", "Power"]


class Detectable(NamedTuple):
    """A known deviation, and how surely it would have been seen.

    Attributes:
        name: The deviation, in words.
        probability: That such an audit of a provider that deviates so is divergent.
    """

    name: str
    probability: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Power:
    """What an audit could have shown: how surely it would have been divergent, had the provider deviated.

    Attributes:
        sequences: Answers of the candidate that could be compared.
        level: The p-value below which a candidate is called divergent.
        paired: Whether both sides were asked the same prompts.
        measured_on: The model that the sizes of the deviations are known from, in words.
        deviations: Each known deviation, the surest first; empty where none is known for such an audit.
        sentence: The same in words.
    """

    sequences: int
    level: float
    paired: bool
    measured_on: str
    deviations: tuple[Detectable, ...]
    sentence: str
