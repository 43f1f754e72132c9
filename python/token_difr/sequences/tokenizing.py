"""Answers as token ids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from token_difr.errors import InputError
from token_difr.records import Conversation, Fidelity, Response, TokenSequence
from token_difr.sequences.counts import Counts
from token_difr.sequences.decoding import well_formed
from token_difr.sequences.readings import AnswerReader, Reading, Readings, TokenIds
from token_difr.sequences.rendering import Tokenizer, render
from token_difr.services import StatedUsage, reasoning_is_unsent

__all__ = ["expected_lengths", "tokenize"]

SUMMED_UP = 2
"""A reasoning's counted tokens to those of its text, from which on the text is a summary and no other way to count."""


def tokenize(
    prompts: Sequence[Conversation],
    responses: Sequence[Response],
    tokenizer: Tokenizer,
    *,
    max_tokens: int | None = None,
    score_end: bool = True,
    token_ids: TokenIds = "auto",
    chat_template_kwargs: Mapping[str, Any] | None = None,
) -> list[TokenSequence]:
    """Token ids of each response and of the prompt that it answers, and how surely they are the model's.

    The answer's text is encoded on its own, as text: what merely looks like a special token does not become one, but for
    the end token's name at an answer's end and the template's own markup around the whole. This is the tokenizer's own way
    to write the text; an output that the model wrote with other tokens comes out different. Answers that hold their token
    ids are taken at their word, if these decode to the text beside them; else the text counts.

    Reasoning from a separate field is joined as the model's own template writes it
    (:class:`~token_difr.sequences.reasoning.ReasoningJoiner`), tool calls too; an answer whose tool calls the template
    does not write keeps its place with an empty output.

    Where a text can be read in several ways, the provider's count of its tokens decides. All its answers tell together
    whether its counts are to be believed (:class:`~token_difr.sequences.counts.Counts`): give all of one provider.

    Args:
        prompts: The audit's conversations; a response's ``index`` picks its own.
        responses: The answers.
        tokenizer: The model's tokenizer.
        max_tokens: Outputs are cut to this length, unless they should not be as long by the provider's count; None = not cut.
        score_end: Append the token that ends a turn (:func:`~token_difr.sequences.end_of_turn.end_token`) where the
            finish reason is "stop": the model did produce it.
        token_ids: "ignore" encodes the text even where an answer holds its ids.
        chat_template_kwargs: Variables of the chat template, as they were sent to the provider.

    Returns:
        One sequence a response, in order, each with its :class:`~token_difr.records.Fidelity`.

    Raises:
        InputError: A response whose index has no prompt, a tokenizer without a chat template, or an unknown
            ``token_ids``.
    """
    return [
        TokenSequence(
            prompt_token_ids=answer.prompt_token_ids,
            output_token_ids=(answer.reading.output if score_end else list(answer.reading.ids))[: answer.cut_at],
            fidelity=answer.fidelity,
        )
        for answer in _judged_answers(
            prompts, responses, tokenizer, max_tokens=max_tokens, token_ids=token_ids, variables=chat_template_kwargs
        )
    ]


def expected_lengths(
    prompts: Sequence[Conversation],
    responses: Sequence[Response],
    tokenizer: Tokenizer,
    *,
    max_tokens: int | None = None,
    token_ids: TokenIds = "auto",
    chat_template_kwargs: Mapping[str, Any] | None = None,
) -> dict[int, range]:
    """How many tokens each output of :func:`tokenize` has in the model's own cut, where that is known, by index.

    The provider's count tells, if it is believed. Without one, an output that ``max_tokens`` cut has that many, if most of
    those that it is said to have cut do.

    Args:
        prompts: As for :func:`tokenize`, and so are the others.
        responses: The answers.
        tokenizer: The model's tokenizer.
        max_tokens: The longest output that was asked for.
        token_ids: "ignore" encodes the text even where an answer holds its ids.
        chat_template_kwargs: Variables of the chat template, as they were sent to the provider.

    Raises:
        InputError: As :func:`tokenize`.
    """
    answers = _judged_answers(
        prompts, responses, tokenizer, max_tokens=max_tokens, token_ids=token_ids, variables=chat_template_kwargs
    )
    return {answer.index: answer.lengths for answer in answers if answer.lengths is not None and not answer.is_cut}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Answer:
    """An answer as it is read; ``lengths`` are those that its output may have, and ``cut_at`` where it is cut off."""

    index: int
    prompt_token_ids: list[int]
    reading: Reading
    fidelity: Fidelity
    lengths: range | None
    cut_at: int | None

    @property
    def is_cut(self) -> bool:
        return self.cut_at is not None and len(self.reading.output) > self.cut_at


def _judged_answers(
    prompts: Sequence[Conversation],
    responses: Sequence[Response],
    tokenizer: Tokenizer,
    *,
    max_tokens: int | None,
    token_ids: TokenIds,
    variables: Mapping[str, Any] | None,
) -> list[_Answer]:
    if token_ids not in get_args(TokenIds):
        raise InputError(f"token_ids must be one of {', '.join(get_args(TokenIds))}, not {token_ids!r}")
    reader = AnswerReader(tokenizer, token_ids=token_ids, variables=variables)
    asked = [_prompt(prompts, response) for response in responses]
    rendered = [render(prompt, tokenizer, variables) for prompt in asked]
    read = [reader.read(*each) for each in zip(asked, rendered, responses, strict=True)]
    whole = [
        (readings, response)
        for readings, response in zip(read, responses, strict=True)
        if readings.written and not reasoning_is_unsent(response.body)
    ]
    counts = Counts.learned(
        [(each, told) for each, response in whole if (told := response.completion_tokens) is not None]
    )
    limits = Counts.learned(
        [(each, max_tokens) for each, response in whole if response.ended is False and max_tokens is not None]
    )
    answers = []
    for prompt_ids, readings, response in zip(rendered, read, responses, strict=True):
        reading, fidelity = _judged(readings, response, counts, tokenizer)
        known = fidelity not in {Fidelity.IDS, Fidelity.INCOMPLETE}
        lengths = _lengths(reading, response, counts, limits, max_tokens) if known else None
        # What is cut otherwise than by the model may come out longer than the limit. Its end belongs to the output.
        drifted = lengths is not None and len(reading.output) not in lengths
        answers.append(
            _Answer(
                index=response.index,
                prompt_token_ids=prompt_ids,
                reading=reading,
                fidelity=fidelity,
                lengths=lengths,
                cut_at=None if drifted else max_tokens,
            )
        )
    return answers


def _lengths(
    reading: Reading, response: Response, counts: Counts, limits: Counts, max_tokens: int | None
) -> range | None:
    """How many tokens the output may have, by the provider's count or else by the limit that cut it; None = not known."""
    if counts.believed and response.completion_tokens is not None:
        return counts.lengths(reading, response.completion_tokens)
    if limits.believed and response.ended is False and max_tokens is not None:
        return limits.lengths(reading, max_tokens)
    return None


def _prompt(prompts: Sequence[Conversation], response: Response) -> Conversation:
    if not 0 <= response.index < len(prompts):
        raise InputError(f"a response has index {response.index}, but there are {len(prompts)} prompts")
    return prompts[response.index]


def _judged(readings: Readings, response: Response, counts: Counts, tokenizer: Tokenizer) -> tuple[Reading, Fidelity]:
    """The reading that counts, and how surely it is what the model wrote."""
    likeliest, told = readings.options[0], response.completion_tokens
    unsent = reasoning_is_unsent(response.body)
    if not readings.written or (unsent and not response.reasoning):
        return likeliest, Fidelity.INCOMPLETE
    if readings.given and not unsent:
        return likeliest, Fidelity.IDS
    confirmed = counts.confirmed(readings, told) if counts.believed and told is not None else None
    if confirmed is not None:
        return confirmed, Fidelity.COUNTED
    if unsent or _is_summary(response, tokenizer):
        return likeliest, Fidelity.INCOMPLETE
    believed = counts.believed and told is not None
    return likeliest, Fidelity.CONTRADICTED if believed else Fidelity.UNCOUNTED


def _is_summary(response: Response, tokenizer: Tokenizer) -> bool:
    """Whether the reasoning's text is far shorter than the reasoning that was counted."""
    counted = StatedUsage.of(response.body).reasoning_tokens
    if not response.reasoning or counted is None:
        return False
    ids = tokenizer.encode(well_formed(response.reasoning), add_special_tokens=False, split_special_tokens=True)
    return counted > SUMMED_UP * len(ids) + SUMMED_UP
