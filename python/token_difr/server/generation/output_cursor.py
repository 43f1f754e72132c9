"""What is new in a sequence since it was last looked at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from token_difr.server.generation import Generation
from token_difr.server.generation.logprob_rows import LogprobRows, concatenate_rows
from token_difr.server.model.tokenizer import ModelTokenizer

__all__ = ["OutputCursor", "OutputDelta"]


@dataclass(frozen=True, kw_only=True)
class OutputDelta:
    """A piece of an output.

    Attributes:
        text: Text that became certain.
        token_ids: Tokens that came with it.
        rows: Their logprobs, if asked for; tokens that the request names stand behind the likeliest ones.
        sampling_logprobs: Logprobs after the filters, if asked for.
        finish_reason: Set on the last piece.
    """

    text: str
    token_ids: list[int]
    rows: LogprobRows | None
    sampling_logprobs: list[float]
    finish_reason: str | None


class OutputCursor:
    """Reads a sequence piece by piece; a finished one that was never read is one piece."""

    def __init__(self, generation: Generation, tokenizer: ModelTokenizer, *, skip_special_tokens: bool) -> None:
        self._generation = generation
        self._tokenizer = tokenizer
        self._skip_special_tokens = skip_special_tokens
        self._piece = 0
        self._token = 0
        self._finished = False

    def take(self) -> OutputDelta | None:
        """The next piece: None while no text is certain, and after the last piece."""
        generation = self._generation
        # The order matters: the scheduler's thread writes tokens before their text, and both before `done`.
        done = generation.done
        text = self._new_text(done=done)
        end = len(generation.output)
        if self._finished or not (done or text):
            return None
        start, self._token, self._finished = self._token, end, done
        rows = generation.output_rows[start:end]
        return OutputDelta(
            text=text,
            token_ids=generation.output[start:end],
            rows=self._with_named(concatenate_rows(rows), start, end) if rows else None,
            sampling_logprobs=generation.sampling_logprobs[start:end],
            finish_reason=generation.finish_reason if done else None,
        )

    def _with_named(self, rows: LogprobRows, start: int, end: int) -> LogprobRows:
        ids = self._generation.spec.chosen_ids
        return rows.beside(ids, np.stack(self._generation.chosen_in_output[start:end])) if ids else rows

    def _new_text(self, *, done: bool) -> str:
        generation = self._generation
        if generation.text is not None:
            text, self._piece = generation.text.released_since(self._piece)
            return text
        if not done or self._finished:
            return ""
        prompt, shown = generation.spec.prompt, generation.shown_output
        return self._tokenizer.decode_behind(prompt, shown, skip_special_tokens=self._skip_special_tokens)
