"""OpenAI's ``logprobs: int`` of completions: parallel lists, the likeliest tokens as an object from text to logprob.

Texts collide where two ids decode to the same: the likelier one stays. ``return_tokens_as_token_ids`` writes
``token_id:N`` instead and loses nothing; ``token_ids`` stands beside the lists in any case, as at Fireworks and Together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from token_difr.server.answers.dialects.text_offsets import TextOffsets
from token_difr.server.answers.dialects.writer import SMALLEST_LOGPROB
from token_difr.server.generation.logprob_rows import LogprobRows
from token_difr.server.model.tokenizer import ModelTokenizer

__all__ = ["LegacyLogprobs"]

_LISTS = ("text_offset", "token_logprobs", "tokens", "top_logprobs", "token_ids")


class LegacyLogprobs:
    """The lists of one choice.

    Args:
        tokenizer: Gives the texts.
        k: Number of likeliest tokens a row of an echoed prompt; the output's rows have as many as were asked for.
        as_token_ids: Write ``token_id:N`` for every token.
        skip_special_tokens: Special tokens have no place in the text.
        leading: Token of one more row before an echoed prompt, as some providers send for their BOS; None = no such row.
    """

    def __init__(
        self,
        tokenizer: ModelTokenizer,
        *,
        k: int,
        as_token_ids: bool,
        skip_special_tokens: bool = True,
        leading: int | None = None,
    ) -> None:
        self._tokenizer = tokenizer
        self._k = k
        self._as_token_ids = as_token_ids
        self._leading = leading
        self._offsets = TextOffsets(tokenizer)
        self._skip_special_tokens = skip_special_tokens
        self._lists: dict[str, list[Any]] = {name: [] for name in _LISTS}

    def add_prompt(self, prompt: Sequence[int], rows: LogprobRows | None, *, last: int | None) -> None:
        """Echoed prompt tokens; nothing stands before the first one, so its logprob is null."""
        if last is None:
            if self._leading is not None:
                self._add(self._leading, 0, None, None)
            self._add(prompt[0], self._offsets.next(prompt[0], skip_special_tokens=False), None, None)
        if rows is not None:
            rows = (rows if last is None else rows[len(rows) - last :]).narrow(self._k)
            self._add_rows(rows, skip_special_tokens=False)

    def add_output(self, rows: LogprobRows, sampling_logprobs: Sequence[float]) -> None:
        """Generated tokens; the form has no place for sampling logprobs."""
        del sampling_logprobs
        self._add_rows(rows, skip_special_tokens=self._skip_special_tokens)

    def _add_rows(self, rows: LogprobRows, *, skip_special_tokens: bool) -> None:
        given = zip(rows.token_ids.tolist(), rows.logprobs.tolist(), strict=True)
        tops = zip(rows.top_ids.tolist(), rows.top_logprobs.tolist(), strict=True)
        for (token, logprob), (ids, logprobs) in zip(given, tops, strict=True):
            top: dict[str, float] = {}
            for other, value in zip(ids, logprobs, strict=True):
                top.setdefault(self._name(other), max(value, SMALLEST_LOGPROB))
            value = max(logprob, SMALLEST_LOGPROB)
            top.setdefault(self._name(token), value)
            self._add(token, self._offsets.next(token, skip_special_tokens=skip_special_tokens), value, top)

    def take(self) -> dict[str, Any]:
        """The lists since the last call."""
        taken, self._lists = self._lists, {name: [] for name in _LISTS}
        return taken

    def _add(self, token: int, offset: int, logprob: float | None, top: dict[str, float] | None) -> None:
        for name, value in zip(_LISTS, (offset, logprob, self._name(token), top, token), strict=True):
            self._lists[name].append(value)

    def _name(self, token: int) -> str:
        return f"token_id:{token}" if self._as_token_ids else self._tokenizer.token_text(token)
