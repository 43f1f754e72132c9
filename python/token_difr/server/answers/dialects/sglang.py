"""SGLang's lists of ``[logprob, id, text or null]`` in ``meta_info``.

All values are the model's own distribution; SGLang itself gives those of generated tokens after the temperature, unless
it runs with ``SGLANG_RETURN_ORIGINAL_LOGPROB=1``: this server is as with that setting.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from token_difr.server.generation.logprob_rows import LogprobRows
from token_difr.server.model.tokenizer import ModelTokenizer

__all__ = ["chosen_entries", "input_logprobs", "output_logprobs"]

Entry = list[Any]


def input_logprobs(
    prompt: Sequence[int], rows: LogprobRows | None, tokenizer: ModelTokenizer, *, start: int, k: int, texts: bool
) -> dict[str, Any]:
    """The prompt's lists from token ``start`` on; the first entry is null, as nothing scores it.

    Args:
        prompt: Token ids.
        rows: Row j scores token j + 1.
        tokenizer: Gives the texts.
        start: First token of the lists.
        k: Likeliest tokens a row; 0 = no such list.
        texts: Put each token's text into its entry.
    """
    first = [None, prompt[start], tokenizer.token_text(prompt[start]) if texts else None]
    lists = _lists(rows[start:] if rows is not None else None, tokenizer, k=k, texts=texts)
    answer: dict[str, Any] = {"input_token_logprobs": [first, *lists[0]]}
    if k:
        answer["input_top_logprobs"] = [None, *lists[1]]
    return answer


def output_logprobs(rows: LogprobRows | None, tokenizer: ModelTokenizer, *, k: int, texts: bool) -> dict[str, Any]:
    """The output's lists; arguments as in :func:`input_logprobs`."""
    lists = _lists(rows, tokenizer, k=k, texts=texts)
    return {"output_token_logprobs": lists[0], **({"output_top_logprobs": lists[1]} if k else {})}


def _lists(
    rows: LogprobRows | None, tokenizer: ModelTokenizer, *, k: int, texts: bool
) -> tuple[list[Entry], list[list[Entry]]]:
    if rows is None:
        return [], []
    top = rows.narrow(k)
    given = _entries(rows.logprobs.tolist(), rows.token_ids.tolist(), tokenizer, texts=texts)
    tops = zip(top.top_logprobs.tolist(), top.top_ids.tolist(), strict=True)
    return given, [_entries(logprobs, ids, tokenizer, texts=texts) for logprobs, ids in tops]


def chosen_entries(
    logprobs: Iterable[NDArray[np.float32]], token_ids: list[int], tokenizer: ModelTokenizer, *, texts: bool
) -> list[list[Entry]]:
    """The entries of chosen tokens, one list a position."""
    return [_entries(row.tolist(), token_ids, tokenizer, texts=texts) for row in logprobs]


def _entries(logprobs: list[float], token_ids: list[int], tokenizer: ModelTokenizer, *, texts: bool) -> list[Entry]:
    # JSON has no infinity, and SGLang no stand-in for it: null.
    return [
        [value if value > float("-inf") else None, token, tokenizer.token_text(token) if texts else None]
        for value, token in zip(logprobs, token_ids, strict=True)
    ]
