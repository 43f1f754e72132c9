"""A prompt through the model, chunk by chunk.

Chunks end at fixed multiples of the chunk size whatever else runs, one prompt at a time: the same prompt gives the same
numbers to the bit, and the logits of one chunk are the most that is ever held.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from token_difr.engine import Engine, KeyValues, extended
from token_difr.server.generation.generation import Generation
from token_difr.server.generation.logprob_rows import LogprobRows, chosen_logprobs, concatenate_rows, logprob_rows
from token_difr.server.generation.prefix_cache import PrefixCache

__all__ = ["Prefill"]


class Prefill:
    """The work of one prompt; call :meth:`advance` until it is ``done``.

    Args:
        generation: The sequence; its ``prompt_rows`` are set at the end, if it asks for them.
        engine: Runs the model.
        chunk_size: Tokens of one pass.
        known: Beginnings that were fed before. Not read where the prompt's logprobs are asked for: they need every
            position's logits.
    """

    def __init__(self, generation: Generation, engine: Engine, chunk_size: int, known: PrefixCache) -> None:
        self.generation = generation
        self.cached_tokens = 0
        self._engine = engine
        self._chunk_size = chunk_size
        self._known = known
        self._cache: KeyValues = engine.empty_cache()
        self._rows: list[LogprobRows] = []
        self._last_logits: NDArray[np.float32] | None = None
        found = known.find(generation.spec.prompt) if generation.spec.prompt_logprobs is None else None
        if found is not None:
            self.cached_tokens, self._cache = found
        self._fed = self.cached_tokens

    @property
    def done(self) -> bool:
        """Whether the whole prompt is in the cache."""
        return self._fed == len(self.generation.spec.prompt)

    def advance(self) -> None:
        """Runs the next chunk."""
        prompt = self.generation.spec.prompt
        start, end = self._fed, min(self._fed + self._chunk_size, len(prompt))
        token_ids = np.array([prompt[start:end]], dtype=np.int64)
        positions = np.arange(start, end, dtype=np.int64)[None]
        mask, wanted = np.ones((1, end), dtype=np.int64), self._first_wanted(end)
        result = self._engine.forward(token_ids, positions, mask, self._cache, logits_from=wanted - start)
        self._cache, self._fed = extended(self._cache, result.columns), end
        self._known.add(prompt, end, result.columns)
        self._collect_rows(result.logits[0], start, end)
        if self.done:
            # A copy: a view would keep the whole chunk's logits alive.
            self._last_logits = result.logits[0, -1].copy()
        if self.done and self._rows:
            self.generation.prompt_rows = concatenate_rows(self._rows)

    def _first_wanted(self, end: int) -> int:
        """The first position of the chunk up to ``end`` whose logits are needed: the head is a good part of the work."""
        if self.generation.spec.prompt_logprobs is not None:
            return self._fed
        return end - 1 if end == len(self.generation.spec.prompt) else end

    def _collect_rows(self, logits: NDArray[np.float32], start: int, end: int) -> None:
        """Row j scores token j + 1, so the last position of the prompt has none."""
        k = self.generation.spec.prompt_logprobs
        following = np.array(self.generation.spec.prompt[start + 1 : end + 1], dtype=np.int64)
        if k is not None and len(following):
            logits = logits[: len(following)]
            self._rows.append(logprob_rows(logits, following, k))
            if self.generation.spec.chosen_ids:
                self.generation.chosen_in_prompt += list(chosen_logprobs(logits, self.generation.spec.chosen_ids))

    def finish(self) -> tuple[NDArray[np.float32], KeyValues]:
        """After the last chunk: the logits of the first generated token, and the prompt's keys and values."""
        if self._last_logits is None:
            raise RuntimeError("finish() before the prompt was fed")
        return self._last_logits, self._cache
