"""Repair where the choice is known: one cut at a time, since behind a wrong one nothing can be told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from token_difr.records import TopKBatch
from token_difr.segmentation.cuts import Cut, cuts
from token_difr.segmentation.patient import MOST_REFUSALS, Patient, Wish

__all__ = ["StepwisePatient"]

NEAR = 3
"""Tokens behind a cut that saved nothing, at which it is cut once more: two steps off the tokenizer's way."""
DETOUR = 1
"""Tokens that a cut may be further off the provider's count: a model that once writes a longer token than the tokenizer
and elsewhere two shorter ones is found step by step."""


class StepwisePatient(Patient):
    """Asks for the most promising cut, and keeps it or asks for the next."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._tried: set[tuple[int, ...]] = set()
        self._waiting: list[Cut] | None = None

    def _patience(self) -> int:
        return MOST_REFUSALS

    def _next(self, rows: TopKBatch) -> Wish | None:
        if self._waiting is None:
            self._waiting = self._sorted(cuts(self.index, self.sequence, rows, self._judge, self._speller))
        return Wish(self._waiting[0].tokens, self._waiting[0].promise) if self._waiting else None

    def _learn(self, before: TopKBatch, tokens: tuple[int, ...], rows: TopKBatch) -> None:
        self._tried.add(tokens)
        waiting = self._waiting or []
        if self.keep(before, tokens, rows):
            self._waiting = None
            return
        onward = [further for cut in waiting if cut.tokens == tokens for further in self._onward(cut, rows)]
        self._waiting = self._sorted([*waiting, *onward])

    def _onward(self, cut: Cut, rows: TopKBatch) -> list[Cut]:
        """Cuts that go on from one that saved nothing: the model may have left the tokenizer's way twice in a row."""
        losses = self.losses(rows)
        return [
            further._replace(saved=cut.saved, loss=further.loss + float(losses[cut.position : further.position].sum()))
            for further in cuts(self.index, self.as_cut(cut.tokens), rows, self._judge, self._speller)
            if cut.position < further.position <= cut.position + NEAR
        ]

    def _sorted(self, found: Sequence[Cut]) -> list[Cut]:
        """Those that may be asked for, what is asked next first."""
        most = self.off(len(self.output)) + DETOUR
        allowed = [
            cut
            for cut in found
            if cut.promise > self._judge.least_promise
            and cut.tokens not in self._tried
            and self.off(len(cut.tokens)) <= most
        ]
        return sorted(allowed, key=lambda cut: -cut.promise)
