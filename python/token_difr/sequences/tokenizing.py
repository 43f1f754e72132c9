"""Answers as token ids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

from token_difr.errors import InputError
from token_difr.records import Conversation, Response, TokenSequence
from token_difr.sequences.end_of_turn import end_token
from token_difr.sequences.given_ids import answer_ids
from token_difr.sequences.reasoning import ReasoningJoiner
from token_difr.sequences.rendering import Tokenizer, render
from token_difr.sequences.tool_calls import calls_tools, tool_call_text

__all__ = ["TokenIds", "tokenize"]

TokenIds = Literal["auto", "ignore"]
"""What becomes of token ids in the answers."""


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
    """Token ids of each response and of the prompt that it answers.

    The answer's text is encoded on its own, as text: what merely looks like a special token does not become one.
    Most providers send text, not ids, so this is the tokenizer's own way to write the text; an output that the model
    wrote with other tokens comes out different (rare at temperature 0, commoner the less likely the tokens). Answers
    that hold their token ids are taken at their word, if these decode to the text beside them; ids that do not are
    refused, and the text counts.

    Reasoning from a separate field is joined as the model's own template writes it
    (:class:`~token_difr.sequences.reasoning.ReasoningJoiner`), tool calls too; an answer whose tool calls the template
    does not write keeps its place with an empty output.

    Args:
        prompts: The audit's conversations; a response's ``index`` picks its own.
        responses: The answers.
        tokenizer: The model's tokenizer.
        max_tokens: Outputs are cut to this length; None = not cut.
        score_end: Append the token that ends a turn (:func:`~token_difr.sequences.end_of_turn.end_token`) where the
            finish reason is "stop": the model did produce it.
        token_ids: "ignore" encodes the text even where an answer holds its ids.
        chat_template_kwargs: Variables of the chat template, as they were sent to the provider.

    Returns:
        One sequence a response, in order.

    Raises:
        InputError: A response whose index has no prompt, a tokenizer without a chat template, or an unknown
            ``token_ids``.
    """
    if token_ids not in get_args(TokenIds):
        raise InputError(f"token_ids must be one of {', '.join(get_args(TokenIds))}, not {token_ids!r}")
    writer = _OutputWriter(
        tokenizer, end=end_token(tokenizer) if score_end else None, token_ids=token_ids, variables=chat_template_kwargs
    )
    return [
        TokenSequence(
            prompt_token_ids=render(prompt := _prompt(prompts, response), tokenizer, chat_template_kwargs),
            output_token_ids=writer.ids(prompt, response)[:max_tokens],
        )
        for response in responses
    ]


def _prompt(prompts: Sequence[Conversation], response: Response) -> Conversation:
    if not 0 <= response.index < len(prompts):
        raise InputError(f"a response has index {response.index}, but there are {len(prompts)} prompts")
    return prompts[response.index]


class _OutputWriter:
    """Outputs as token ids; ``end`` is appended where they stopped by themselves."""

    def __init__(
        self, tokenizer: Tokenizer, *, end: int | None, token_ids: TokenIds, variables: Mapping[str, Any] | None
    ) -> None:
        self._tokenizer = tokenizer
        self._end = end
        self._token_ids = token_ids
        self._variables = variables
        self._joiner = ReasoningJoiner(tokenizer, variables)

    def ids(self, prompt: Conversation, response: Response) -> list[int]:
        stopped = response.finish_reason == "stop"
        ids = answer_ids(response, self._tokenizer) if self._token_ids == "auto" else None
        if ids is None and calls_tools(response):
            return self._tool_calls(prompt, response)
        if ids is None:
            ids = self._encoded(prompt, response)
        elif stopped and ids and not self._tokenizer.decode(ids[-1:], skip_special_tokens=True):
            return ids[:-1] if self._end is None else ids  # it ends with one of the model's end tokens
        return [*ids, self._end] if stopped and self._end is not None else ids

    def _encoded(self, prompt: Conversation, response: Response) -> list[int]:
        if not response.reasoning:
            opening = self._joiner.opening
            plain = self._encode(response.content, special=False)
            return [*self._encode(opening, special=True), *plain] if opening else plain
        finished = response.finish_reason == "stop"
        pieces = self._joiner.join(prompt).pieces(response.reasoning, response.content, finished=finished)
        text = "".join(piece for piece, _ in pieces)
        if not any(own and self._has_special_tokens(piece) for piece, own in pieces):
            return self._encode(text, special=False)  # as one text, so that pieces may share a token
        return [token for piece, own in pieces for token in self._encode(piece, special=own)]

    def _tool_calls(self, prompt: Conversation, response: Response) -> list[int]:
        try:
            text = tool_call_text(prompt, response, self._tokenizer, self._variables)
        except InputError:  # counted by the finding `tool_calls`
            return []
        return self._encode(text, special=True)

    def _has_special_tokens(self, text: str) -> bool:
        return self._encode(text, special=True) != self._encode(text, special=False)

    def _encode(self, text: str, *, special: bool) -> list[int]:
        text = _well_formed(text)
        return list(self._tokenizer.encode(text, add_special_tokens=False, split_special_tokens=not special))


def _well_formed(text: str) -> str:
    """``text`` with lone surrogates, which JSON may hold and no tokenizer takes, as U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
