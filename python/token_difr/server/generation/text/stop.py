"""Stop strings in a growing text."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["StopMatcher", "overlap"]


class StopMatcher:
    """Finds the earliest stop string and holds back text that may be the start of one.

    Args:
        stops: The stop strings; empty ones are ignored.
        include: Keep the stop string that was found in the text.
    """

    def __init__(self, stops: Sequence[str], *, include: bool = False) -> None:
        self._stops = [stop for stop in stops if stop]
        self._include = include
        self._held = ""
        self.found: str | None = None

    def push(self, text: str) -> str:
        """The text that may be shown now; after a match nothing more comes out."""
        if self.found is not None:
            return ""
        self._held += text
        position, stop = self._earliest()
        if stop is not None:
            self.found = stop
            released, self._held = self._held[: position + (len(stop) if self._include else 0)], ""
            return released
        keep = max((overlap(self._held, stop) for stop in self._stops), default=0)
        cut = len(self._held) - keep
        released, self._held = self._held[:cut], self._held[cut:]
        return released

    def flush(self) -> str:
        """What was held back, once no more text comes."""
        released, self._held = self._held, ""
        return released

    def _earliest(self) -> tuple[int, str | None]:
        """Position and string of the first match; of several at one position the one that is listed first."""
        matches = [(position, stop) for stop in self._stops if (position := self._held.find(stop)) >= 0]
        return min(matches, key=lambda match: match[0], default=(-1, None))


def overlap(text: str, stop: str) -> int:
    """Length of the longest proper prefix of ``stop`` that ``text`` ends with."""
    longest = min(len(text), len(stop) - 1)
    return next((size for size in range(longest, 0, -1) if text.endswith(stop[:size])), 0)
