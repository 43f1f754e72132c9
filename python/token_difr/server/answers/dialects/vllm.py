"""vLLM's ``prompt_logprobs``: null first, then an object a position, from the id as text to its logprob and rank."""

from __future__ import annotations

from typing import Any

from token_difr.server.answers.dialects.writer import SMALLEST_LOGPROB
from token_difr.server.generation.logprob_rows import LogprobRows
from token_difr.server.model.tokenizer import ModelTokenizer

__all__ = ["prompt_logprobs"]


def prompt_logprobs(rows: LogprobRows | None, tokenizer: ModelTokenizer) -> list[dict[str, Any] | None]:
    """One entry a prompt token. The prompt's own token always stands first: k entries if it is in the top k, else k + 1.

    Args:
        rows: Row j scores prompt token j + 1; None for a prompt of one token.
        tokenizer: Gives ``decoded_token``.
    """
    entries: list[dict[str, Any] | None] = [None]
    if rows is None:
        return entries
    given = zip(rows.token_ids.tolist(), rows.logprobs.tolist(), rows.ranks.tolist(), strict=True)
    tops = zip(rows.top_ids.tolist(), rows.top_logprobs.tolist(), strict=True)
    for (token, logprob, rank), (ids, logprobs) in zip(given, tops, strict=True):
        entry = {str(token): _entry(token, logprob, rank, tokenizer)}
        for place, (other, value) in enumerate(zip(ids, logprobs, strict=True), start=1):
            entry[str(other)] = _entry(other, value, place, tokenizer)
        entries.append(entry)
    return entries


def _entry(token: int, logprob: float, rank: int, tokenizer: ModelTokenizer) -> dict[str, Any]:
    return {"logprob": max(logprob, SMALLEST_LOGPROB), "rank": rank, "decoded_token": tokenizer.token_text(token)}
