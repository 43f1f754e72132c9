"""One tiny request to each side, before anything is paid for: what would end the audit half way ends it here.

A wrong key, a model that is not there, logprobs that are refused or tokens that are read otherwise show at the first request.
The reference is the last to be asked in an audit, when every answer has been paid for, so here it is the first.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from token_difr.answers import as_provider
from token_difr.records import Audit, Conversation, Response, TokenSequence
from token_difr.run.directory import RunDirectory
from token_difr.run.manifest import is_run_directory
from token_difr.run.sides import Sides
from token_difr.sequences import render

__all__ = ["Outstanding", "outstanding", "run_preflight"]


class Outstanding(NamedTuple):
    """Indexes of the prompts that an audit still lacks something of.

    Attributes:
        answers: Those without the provider's answer.
        rows: Those without the reference's rows.
    """

    answers: tuple[int, ...]
    rows: tuple[int, ...]


def outstanding(out: str | os.PathLike[str], record: Audit, prompts: Sequence[Conversation]) -> Outstanding:
    """What ``out`` lacks of this audit; everything where it is no run directory yet.

    Raises:
        RunDirectoryError: It holds another audit.
    """
    indexes = range(len(prompts))
    if not is_run_directory(Path(out)):
        return Outstanding(tuple(indexes), tuple(indexes))
    with RunDirectory.read(out, record.about(prompts)) as run:
        answered, judged = run.responses(), run.rows()
    return Outstanding(
        tuple(index for index in indexes if index not in answered),
        tuple(index for index in indexes if index not in judged),
    )


async def run_preflight(
    record: Audit,
    prompts: Sequence[Conversation],
    sides: Sides,
    out: str | os.PathLike[str],
    *,
    tell: Callable[[str], None] | None = None,
) -> None:
    """Ask each side that still has something to do for one token, by the shortest prompt that it is to be asked.

    Args:
        record: Whose audit it is, and how it asks.
        prompts: The conversations.
        sides: The provider is asked as in the audit, but for one token; the reference for the row of one token, with as
            many logprobs as in the audit.
        out: The run directory; nothing is written there.
        tell: Called with a sentence for each thing that looks odd and ends nothing: another count of the prompt's tokens
            than ours, no token ids where they were asked for. The audit's findings say the same of all answers.

    Raises:
        RunDirectoryError: ``out`` holds another audit.
        EndpointError: A side cannot be reached, refuses, or sends what cannot be judged.
    """
    missing, variables = outstanding(out, record, prompts), record.asking.chat_template_kwargs
    read, asked = (_shortest(prompts, indexes) for indexes in (missing.rows, missing.answers))
    if read is not None and (sent := render(prompts[read], sides.tokenizer, variables)):
        *before, last = sent  # tokens that are sure to be the model's
        await sides.reference.rows(TokenSequence(before or [last], [last]), tag="preflight")
    if asked is None or record.asked is None:
        return
    answer = await as_provider(sides.provider, record.asking).answer(
        asked, prompts[asked], model=record.asked.model, params=record.params, max_tokens=1
    )
    if tell is not None:
        for sentence in _oddities(answer, record, len(render(prompts[asked], sides.tokenizer, variables))):
            tell(sentence)


def _shortest(prompts: Sequence[Conversation], indexes: Sequence[int]) -> int | None:
    """Which of these prompts has the fewest characters: to count tokens, all would have to be rendered once more."""
    return min(indexes, key=lambda index: sum(len(message["content"]) for message in prompts[index]), default=None)


def _oddities(answer: Response, record: Audit, prompt_tokens: int) -> Iterator[str]:
    """What the audit can live with, and its reader should know beforehand."""
    if answer.prompt_tokens not in {None, prompt_tokens}:
        yield (
            f"the provider counts {answer.prompt_tokens} prompt tokens where the chat template writes {prompt_tokens}: a "
            "system prompt of its own, another template, or another way to count"
        )
    if record.asking.token_ids and not answer.choice.get("token_ids"):
        yield "the provider sends no token ids: its answers' tokens are rebuilt from their text"
