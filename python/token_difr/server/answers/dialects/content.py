"""The ``content`` list of chat completions, which Fireworks gives on completions too: one object a token, with its id."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from token_difr.server.answers.dialects.text_offsets import TextOffsets
from token_difr.server.answers.dialects.writer import SMALLEST_LOGPROB
from token_difr.server.generation.logprob_rows import LogprobRows
from token_difr.server.model.tokenizer import ModelTokenizer

__all__ = ["ContentLogprobs"]


class ContentLogprobs:
    """The list of one choice.

    Args:
        tokenizer: Gives texts and bytes.
        k: Number of likeliest tokens an entry of an echoed prompt; the output's rows have as many as were asked for.
        as_token_ids: Write ``token_id:N`` for every token's text.
        completions: Add what Fireworks has beyond OpenAI: ``sampling_logprob`` and ``text_offset``.
        skip_special_tokens: Special tokens have no place in the text.
        leading: Token of one more entry before an echoed prompt; None = no such entry.
    """

    def __init__(
        self,
        tokenizer: ModelTokenizer,
        *,
        k: int,
        as_token_ids: bool = False,
        completions: bool = False,
        skip_special_tokens: bool = True,
        leading: int | None = None,
    ) -> None:
        self._tokenizer = tokenizer
        self._k = k
        self._as_token_ids = as_token_ids
        self._completions = completions
        self._leading = leading
        self._offsets = TextOffsets(tokenizer)
        self._skip_special_tokens = skip_special_tokens
        self._content: list[dict[str, Any]] = []

    def add_prompt(self, prompt: Sequence[int], rows: LogprobRows | None, *, last: int | None) -> None:
        """Echoed prompt tokens. The first one has no logprob (Fireworks sends an unconditional one): 0 would say that it is certain."""
        if last is None:
            if self._leading is not None:
                self._content.append(self._entry(self._leading, None, [], None, 0))
            offset = self._offsets.next(prompt[0], skip_special_tokens=False)
            self._content.append(self._entry(prompt[0], None, [], None, offset))
        if rows is not None:
            rows = (rows if last is None else rows[len(rows) - last :]).narrow(self._k)
            self._add(rows, (), skip_special_tokens=False)

    def add_output(self, rows: LogprobRows, sampling_logprobs: Sequence[float]) -> None:
        """Generated tokens."""
        self._add(rows, sampling_logprobs, skip_special_tokens=self._skip_special_tokens)

    def take(self) -> dict[str, Any]:
        """The entries since the last call."""
        taken, self._content = self._content, []
        return {"content": taken} if self._completions else {"content": taken, "refusal": None}

    def _add(self, rows: LogprobRows, sampling_logprobs: Sequence[float], *, skip_special_tokens: bool) -> None:
        tops = zip(rows.top_ids.tolist(), rows.top_logprobs.tolist(), strict=True)
        given = zip(rows.token_ids.tolist(), rows.logprobs.tolist(), strict=True)
        for place, ((token, logprob), (ids, logprobs)) in enumerate(zip(given, tops, strict=True)):
            # A token that is both likely and named by the request stands once.
            top = [self._token(other, value) for other, value in dict(zip(ids, logprobs, strict=True)).items()]
            sampled = sampling_logprobs[place] if sampling_logprobs else None
            offset = self._offsets.next(token, skip_special_tokens=skip_special_tokens)
            self._content.append(self._entry(token, logprob, top, sampled, offset))

    def _entry(
        self, token: int, logprob: float | None, top: list[dict[str, Any]], sampled: float | None, offset: int
    ) -> dict[str, Any]:
        entry = self._token(token, logprob)
        entry["top_logprobs"] = top
        if self._completions:
            entry["sampling_logprob"] = None if sampled is None else max(sampled, SMALLEST_LOGPROB)
            entry["text_offset"] = offset
        return entry

    def _token(self, token: int, logprob: float | None) -> dict[str, Any]:
        return {
            "token": f"token_id:{token}" if self._as_token_ids else self._tokenizer.token_text(token),
            "logprob": None if logprob is None else max(logprob, SMALLEST_LOGPROB),
            "bytes": list(self._tokenizer.token_bytes(token)),
            "token_id": token,
        }
