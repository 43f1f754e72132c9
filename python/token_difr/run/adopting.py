"""Answers that somebody else collected, as a run directory: a reference is asked and a verdict made as of any run."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence

from token_difr.errors import InputError
from token_difr.findings import check_sound
from token_difr.records import Asked, Asking, Audit, Conversation, Rendered, Response, SamplingParams, TokenSequence
from token_difr.run.directory import RunDirectory
from token_difr.sequences import Tokenizer
from token_difr.sequences.given_answers import GivenAnswers

__all__ = ["adopt"]


def adopt(
    given: GivenAnswers,
    out: str | os.PathLike[str],
    *,
    tokenizer: Tokenizer,
    rendered: Rendered,
    params: SamplingParams,
    model: str | None = None,
    max_tokens: int | None = None,
) -> None:
    """Make a run directory of given answers, with all but the reference's rows; or go on with the one that is there.

    Args:
        given: The answers; their tokens are taken as they are.
        out: The run directory.
        tokenizer: The model's.
        rendered: What the record says of it.
        params: How the answers were sampled.
        model: The model's name; None = as the file says.
        max_tokens: The longest output that was asked for; None = the longest that is there.

    Raises:
        InputError: Nothing can be judged with them (:func:`~token_difr.findings.check_sound`); the file says that they were sampled
            otherwise, or names no model; or ``out`` belongs to another audit.
    """
    check_sound(given, tokenizer)
    _check_stated(given, params)
    name = model or given.model
    if not name:
        raise InputError(f"{given.path} does not name its model: give the name")
    longest = max(len(sequence.output_token_ids) for sequence in given.sequences)
    asked = Asked(
        provider=given.path.name,
        model=name,
        params=params,
        max_tokens=max_tokens or max(longest, 1),
        asking=Asking(token_ids=True),
    )
    prompts = _prompts(given, tokenizer)
    with RunDirectory.create(out, prompts, Audit(asked=asked, rendered=rendered)) as run:
        done = run.responses()
        for index, sequence in enumerate(given.sequences):
            response = _response(index, sequence, given.texts[index], tokenizer)
            if index not in done:
                run.keep_response(response)
            elif done[index] != response:
                raise InputError(
                    f"{out} holds another answer to prompt {index} than {given.path}: choose another directory"
                )
        made = run.sequences()
        run.keep_sequences({index: each for index, each in enumerate(given.sequences) if index not in made})


def _check_stated(given: GivenAnswers, params: SamplingParams) -> None:
    """Whether the file says that its answers were sampled in another way: they would be charged with it."""
    others = [f"{name} {value:g}" for name, value in sorted(given.stated.items()) if _differs(name, value, params)]
    if others:
        raise InputError(f"{given.path} says that it was sampled at {', '.join(others)}: give the same")


def _differs(name: str, value: float, params: SamplingParams) -> bool:
    if params.greedy and name != "temperature":
        return False  # nothing is left to filter
    off = -1.0 if name == "top_k" else None
    return value not in {float(getattr(params, name)), off if not getattr(params, name) else None}


def _prompts(given: GivenAnswers, tokenizer: Tokenizer) -> list[Conversation]:
    """What was asked: as the file says, else the text that the prompt's ids decode to."""
    pairs: Sequence[tuple[Conversation | None, TokenSequence]] = list(zip(given.prompts, given.sequences, strict=True))
    prompts = [
        prompt or [{"role": "user", "content": tokenizer.decode(list(sequence.prompt_token_ids))}]
        for prompt, sequence in pairs
    ]
    for index, prompt in enumerate(prompts):
        try:
            json.dumps(prompt, allow_nan=False)
        except ValueError as error:
            raise InputError(f"{given.path}: conversation {index} is no JSON: {error}") from error
    return prompts


def _response(index: int, sequence: TokenSequence, text: str | None, tokenizer: Tokenizer) -> Response:
    ids = [int(token) for token in sequence.output_token_ids]
    return Response(
        index=index,
        content=tokenizer.decode(ids, skip_special_tokens=True) if text is None else text,
        completion_tokens=len(ids),
        body={"choices": [{"token_ids": ids}]},
    )
