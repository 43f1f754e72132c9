"""The provider's count of each answer's tokens against the readings of its text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from token_difr.sequences.readings import Reading, Readings

__all__ = ["Counts"]

FEWEST = 5
"""Answers from which on an odd difference that they share is taken for the provider's way to count."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """How a provider counts tokens, as its answers show.

    A provider may or may not count the token that ends an answer, and some add a constant, such as a token that begins
    every answer. What more than half of its counts contradict is no count of these tokens: another tokenizer's, a
    router's normalized one.

    Attributes:
        believed: Whether at least half of its counts agree with the tokens by one offset.
        end: Whether it counts the token that ends an answer.
        more: Tokens that it counts beside the answer's own in every answer.
    """

    believed: bool
    end: bool = True
    more: int = 0

    @classmethod
    def learned(cls, told: Sequence[tuple[Readings, int]]) -> Self:
        """From the answers that have a count, each with it."""
        if not told:
            return cls(believed=False)
        best = max((cls(believed=True, end=end) for end in (True, False)), key=lambda counts: counts.support(told))
        if 2 * best.support(told)[0] >= len(told):
            return best
        # The likeliest readings alone: with an offset to choose, some reading of nearly any answer would agree.
        (more, agreeing), *_ = Counter(count - len(readings.options[0]) for readings, count in told).most_common(1)
        believed = agreeing >= FEWEST and 2 * agreeing >= len(told)
        return cls(believed=believed, more=more if believed else 0)

    def confirmed(self, readings: Readings, count: int) -> Reading | None:
        """The likeliest reading that has the counted number of tokens; None = none has."""
        options = readings.options if self.more == 0 else readings.options[:1]
        return next((reading for reading in options if len(reading.output) in self.lengths(reading, count)), None)

    def lengths(self, reading: Reading, count: int) -> range:
        """How many known tokens an output that is read like ``reading`` has, if the provider counts ``count`` tokens of it.

        That depends on what ends it, and what is lost of it, and not on how its text is cut.
        """
        fewest, most = reading.lost
        shortest = len(reading) - (reading.ended and not self.end) + self.more
        longest = count - (shortest - len(reading.output))
        return range(longest - (most - fewest), longest + 1)

    def support(self, told: Sequence[tuple[Readings, int]]) -> tuple[int, int]:
        """How many answers have a reading that agrees, and of how many it is the likeliest."""
        found = [(self.confirmed(readings, count), readings.options[0]) for readings, count in told]
        return sum(reading is not None for reading, _ in found), sum(reading is first for reading, first in found)
