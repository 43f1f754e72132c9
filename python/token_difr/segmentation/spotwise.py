"""Repair where tokens were drawn at random: several places of a text are asked about in one request.

A wrong token changes the likelihood of those that follow it shortly, and hardly that of the others. So one request tells of
many places whether they are cut rightly, and a second one of those that seemed to be.
"""

from __future__ import annotations

from typing import Any

from token_difr.records import TopKBatch
from token_difr.segmentation.patient import LEAST_GAIN, MOST_REFUSALS, Patient, Wish
from token_difr.segmentation.spots import Spot, applied, gains, spots, spots_behind, together

__all__ = ["SpotwisePatient"]

LEAST_TO_JOIN = 0.0
"""Nats that a spot must be expected to save to be asked about beside a better one: it costs nothing."""
PATIENCE = 2
"""Requests in a row that save nothing, after which a sequence is left whose length does not tell that it is cut otherwise."""
Key = tuple[int, int, tuple[int, ...]]


class SpotwisePatient(Patient):
    """Asks about all spots that may be cut otherwise, then for those of them together that save something."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._tried: set[Key] = set()
        self._behind: list[Spot] = []
        self._asked: list[Spot] = []
        self._confirming: tuple[int, ...] | None = None

    def _patience(self) -> int:
        return MOST_REFUSALS if self.is_wrong else PATIENCE

    def _next(self, rows: TopKBatch) -> Wish | None:
        if self._confirming is not None:
            return Wish(self._confirming, sum(spot.score for spot in self._asked))
        found = [*spots(self.index, self.sequence, rows, self._judge, self._speller), *self._behind]
        fresh = [spot for spot in found if spot.score > LEAST_TO_JOIN and self._key(spot) not in self._tried]
        self._asked = self._group(sorted(fresh, reverse=True))
        least = LEAST_TO_JOIN if self.is_wrong else self._judge.least_promise
        if not self._asked or self._asked[0].score <= least:
            return None
        return Wish(applied(self.output, self._asked), sum(spot.score for spot in self._asked))

    def _learn(self, before: TopKBatch, tokens: tuple[int, ...], rows: TopKBatch) -> None:
        if self._confirming is None:
            self._tried |= set(map(self._key, self._asked))
            saved = gains(self._asked, self.losses(before), self.losses(rows))
            better = sorted(
                (spot._replace(score=gain) for spot, gain in saved.items() if gain > LEAST_GAIN), reverse=True
            )
            better = self._group(better)
            if not better:
                self.refused += 1
                self._behind += spots_behind(
                    self._asked, self.index, self.sequence, (before, rows), judge=self._judge, speller=self._speller
                )
                return
            whole = applied(self.output, better)
            if whole != tokens:
                self._asked, self._confirming = better, whole
                return
        self._confirming = None
        if self.keep(before, tokens, rows):
            self._behind = []

    def _group(self, candidates: list[Spot]) -> list[Spot]:
        """Those that can be asked about together, at a length no further from the known one, and spell the text."""
        output = self.output
        most = self.off(len(output))
        group = together(candidates, lambda growth: self.off(len(output) + growth) <= most)
        context = self.sequence.prompt_token_ids
        text = self._speller.spelled(context, output)
        while group and self._speller.spelled(context, applied(output, group)) != text:
            group.pop()
        return group

    def _key(self, spot: Spot) -> Key:
        """The same for one spot whatever is cut otherwise elsewhere."""
        start, stop = (len(self._speller.spelled((), self.output[:place])) for place in (spot.start, spot.stop))
        return start, stop, spot.tokens
