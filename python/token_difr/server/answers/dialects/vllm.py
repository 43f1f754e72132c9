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
    # The loops run once a logprob, 100,000 times for a long prompt: no calls but these.
    text = tokenizer.token_text
    given = zip(rows.token_ids.tolist(), rows.logprobs.tolist(), rows.ranks.tolist(), strict=True)
    tops = zip(rows.top_ids.tolist(), rows.top_logprobs.tolist(), strict=True)
    for (token, logprob, rank), (ids, logprobs) in zip(given, tops, strict=True):
        entry = {str(token): {"logprob": max(logprob, SMALLEST_LOGPROB), "rank": rank, "decoded_token": text(token)}}
        for place, (other, value) in enumerate(zip(ids, logprobs, strict=True), start=1):
            least = max(value, SMALLEST_LOGPROB)
            entry[str(other)] = {"logprob": least, "rank": place, "decoded_token": text(other)}
        entries.append(entry)
    return entries
