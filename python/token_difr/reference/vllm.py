"""The dialect of vLLM's server: ``prompt_logprobs`` of ``POST /v1/completions``.

The sequence goes out as token ids, one token is generated and ignored, and ``choices[0].prompt_logprobs`` holds one
object a token sent: ``{"<id>": {"logprob": ..., "rank": ..., "decoded_token": ...}, ...}``, null for the first.

* Row j scores token j given the tokens before it; the output's rows are the last ones.
* Every row holds the top k and the token that was sent, so k or k + 1 entries. One that lies outside the top k belongs
  to ``claimed_logprob`` and ``claimed_rank`` (vLLM's rank - 1), not to the row, which is a contiguous top.
* -9999.0 is how JSON answers write -inf.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from token_difr.endpoint import answer_body, endpoint_error, shown_url, tag_headers
from token_difr.errors import AnswerError, BatchError, InputError
from token_difr.records import TokenSequence, TopKBatch
from token_difr.reference.reference import Reference
from token_difr.untrusted import printable

if TYPE_CHECKING:
    from openai import AsyncOpenAI

__all__ = ["VllmReference"]

MINUS_INFINITY = -9999.0


class VllmReference(Reference):
    """A vLLM server, or one that speaks like it (``token-difr serve`` does).

    Args:
        client: A client of the server; its ``max_retries`` are the only retries.
        model: The model's name there.
        topk_logprobs: Entries a row, at least 1; the server's ``--max-logprobs`` (20 by default) is its limit.

    Raises:
        InputError: ``topk_logprobs`` below 1.
    """

    dialect = "vllm"

    def __init__(self, client: AsyncOpenAI, model: str, *, topk_logprobs: int = 20) -> None:
        if topk_logprobs < 1:
            raise InputError(f"topk_logprobs must be at least 1, not {topk_logprobs!r}")
        self._client = client
        self.url = shown_url(client)
        self.model = model
        self.topk_logprobs = topk_logprobs

    async def rows(self, sequence: TokenSequence, *, tag: str) -> TopKBatch:
        """See :meth:`Reference.rows`."""
        import openai

        prompt = [int(token) for token in sequence.prompt_token_ids]
        output = [int(token) for token in sequence.output_token_ids]
        create: Any = self._client.completions.with_raw_response.create
        try:
            answer = await create(
                model=self.model,
                prompt=prompt + output,
                max_tokens=1,
                temperature=0,
                extra_body={"prompt_logprobs": self.topk_logprobs, "return_token_ids": True},
                extra_headers=tag_headers(self._client, tag),
            )
        except openai.OpenAIError as error:
            raise endpoint_error(error, client=self._client, model=self.model) from error
        body = answer_body(answer.content, client=self._client)
        try:
            rows = _checked_rows(body, prompt + output, self.topk_logprobs)[len(prompt) :]
            return _to_batch(rows, prompt, output)
        except (AnswerError, BatchError) as error:
            raise AnswerError(f"{shown_url(self._client)}, {tag.replace('-', ' ')}: {error}") from error


class _Row(NamedTuple):
    """One position: the contiguous top as (id, logprob), and the claimed token if it lies outside."""

    top: list[tuple[int, float]]
    claimed_logprob: float
    claimed_rank: int


_NO_ROW = _Row([], math.nan, -1)


def _checked_rows(body: dict[str, Any], sent: Sequence[int], topk_logprobs: int) -> list[_Row]:
    choices = body.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(choice, dict):
        raise AnswerError("the reference's answer has no choices")
    _check_echo(choice.get("prompt_token_ids"), sent)
    rows = choice.get("prompt_logprobs")
    if not isinstance(rows, list):
        raise AnswerError("the reference gives no prompt_logprobs; does it speak vLLM's dialect?")
    if len(rows) != len(sent):
        raise AnswerError(f"the reference returned {len(rows)} rows for {len(sent)} tokens")
    # Row 0 has nothing before it; whatever it holds means nothing.
    return [_NO_ROW, *(_row(rows[j], j, sent[j], topk_logprobs) for j in range(1, len(sent)))]


def _check_echo(echoed: object, sent: Sequence[int]) -> None:
    if echoed is None:
        return  # servers before return_token_ids: the rows, which must hold the ids sent, tell as much
    if not isinstance(echoed, list):
        raise AnswerError("the reference's prompt_token_ids are not a list")
    for position, token in enumerate(echoed):
        if type(token) is not int:  # nor True
            raise AnswerError(
                f"the reference's prompt_token_ids hold something else at position {position}: {printable(repr(token))}"
            )
    for position, (theirs, ours) in enumerate(itertools.zip_longest(echoed, sent)):
        if theirs != ours:
            raise AnswerError(
                f"the reference read other tokens than those sent: at position {position} of {len(sent)} it had "
                f"{_or_nothing(theirs)}, sent was {_or_nothing(ours)}"
            )


def _or_nothing(token: int | None) -> str:
    return "nothing" if token is None else printable(f"id {token}")


def _row(entries: object, position: int, claimed: int, topk_logprobs: int) -> _Row:
    if not isinstance(entries, dict) or not entries:
        raise AnswerError(f"the reference gives no logprobs for the token at position {position}")
    try:
        values = {int(token): _logprob(entry["logprob"]) for token, entry in entries.items()}
        rank = entries[str(claimed)].get("rank") if claimed in values else None
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise AnswerError(f"the reference's row at position {position} is not in vLLM's form") from error
    if claimed not in values:
        raise AnswerError(
            f"the reference's row at position {position} is for another token: it lacks the id {claimed} that was sent"
        )
    if len(values) > topk_logprobs + 1:
        raise AnswerError(
            f"the reference's row at position {position} has {len(values)} entries, asked were {topk_logprobs}"
        )
    # By its rank too: a server that lowers k without a word gives fewer than k + 1 entries. The rank of a token that
    # shares its logprob with others may be that of the last of them, so a single entry stays.
    outside = len(values) == topk_logprobs + 1 or (isinstance(rank, int) and rank > len(values) > 1)
    if not outside:
        return _Row(list(values.items()), math.nan, -1)
    claimed_logprob = values.pop(claimed)
    return _Row(list(values.items()), claimed_logprob, rank - 1 if isinstance(rank, int) and rank > 0 else -1)


def _logprob(value: object) -> float:
    if not isinstance(value, int | float):
        raise TypeError(f"not a number: {value!r}")
    return -math.inf if value == MINUS_INFINITY else float(value)


def _to_batch(rows: Sequence[_Row], prompt: Sequence[int], output: Sequence[int]) -> TopKBatch:
    entries = [entry for row in rows for entry in row.top]
    return TopKBatch(
        indptr=[0, *itertools.accumulate(len(row.top) for row in rows)],
        token_ids=[token for token, _ in entries],
        logprobs=[logprob for _, logprob in entries],
        claimed=output,
        claimed_logprob=[row.claimed_logprob for row in rows],
        claimed_rank=[row.claimed_rank for row in rows],
        sequence_indptr=[0, len(output)],
        prompt_lengths=[len(prompt)],
    )
