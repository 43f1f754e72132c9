"""An engine that says what it is told, for answers that a small model never gives."""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from token_difr.engine import ForwardPass, KeyValues

__all__ = ["ScriptedEngine"]


class ScriptedEngine:
    """After any prompt of two tokens and more it says the script's tokens; one request at a time.

    Args:
        script: Token ids of the answer; the last one is repeated.
        vocabulary_size: Width of the logits.
        seconds_a_token: Time that every pass takes.
        fail_at: Number of the token whose pass fails, from 1; None = no failure.
    """

    def __init__(
        self, script: list[int], vocabulary_size: int, *, seconds_a_token: float = 0.0, fail_at: int | None = None
    ) -> None:
        self._script = script
        self._vocabulary_size = vocabulary_size
        self._seconds = seconds_a_token
        self._start = 0
        self._fail_at = fail_at

    @property
    def vocabulary_size(self) -> int:
        """Width of the logits."""
        return self._vocabulary_size

    def empty_cache(self) -> KeyValues:
        """Nothing is remembered but the number of columns."""
        return [np.zeros((1, 1, 0, 1), dtype=np.float32)]

    def forward(
        self,
        token_ids: NDArray[np.int64],
        positions: NDArray[np.int64],
        mask: NDArray[np.int64],
        cache: KeyValues,
        *,
        logits_from: int = 0,
    ) -> ForwardPass:
        """Logits that leave one token."""
        del mask, cache
        rows, new = token_ids.shape
        if new > 1:
            self._start = int(positions[0, -1])
        place = int(positions[0, -1]) - self._start
        if place == self._fail_at:
            raise RuntimeError("a secret detail of the machine")
        time.sleep(self._seconds)
        logits = np.zeros((rows, new, self._vocabulary_size), dtype=np.float32)
        logits[:, -1, self._script[min(place, len(self._script) - 1)]] = 50
        return ForwardPass(logits[:, logits_from:], [np.zeros((rows, 1, new, 1), dtype=np.float32)])
