"""An answer's text as pieces: what the chat template writes, whose special tokens count, and what the model wrote."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from token_difr.records import Conversation
from token_difr.sequences.markup import own_form
from token_difr.sequences.reasoning import CLOSE, OPEN, ReasoningJoin, ReasoningJoiner
from token_difr.sequences.rendering import Tokenizer

__all__ = ["Piece", "Pieces", "text_of"]

Piece = tuple[str, bool]
"""A text, and whether it is the template's own."""


def text_of(pieces: Sequence[Piece]) -> str:
    """The whole text."""
    return "".join(text for text, _ in pieces)


class Pieces:
    """The ways in which the texts of an answer can stand together; the likeliest comes first.

    Args:
        joiner: How the model's template joins reasoning and answer.
        tokenizer: The model's.
        prompt: What is answered.
    """

    def __init__(self, joiner: ReasoningJoiner, tokenizer: Tokenizer, prompt: Conversation) -> None:
        self._joiner = joiner
        self._tokenizer = tokenizer
        self._prompt = prompt

    def of(self, reasoning: str, content: str, *, finished: bool) -> Iterator[list[Piece]]:
        """The pieces of an answer, way by way.

        Args:
            reasoning: Reasoning from a separate field, or "".
            content: The answer's text.
            finished: Whether the output came to its end by itself.
        """
        if not reasoning:
            yield from self._without_reasoning(content, finished=finished)
        elif content:
            yield from self._joined(reasoning, content, finished=finished)
        else:
            yield from self._reasoning_alone(reasoning, finished=finished)

    def _joined(self, reasoning: str, content: str, *, finished: bool) -> Iterator[list[Piece]]:
        join = self._joiner.join(self._prompt)
        yield join.pieces(reasoning, content, finished=finished)
        yield from (other.pieces(reasoning, content, finished=finished) for other in _variants(join))
        yield [(reasoning + content, False)]  # the server divided a text without tags

    def _reasoning_alone(self, reasoning: str, *, finished: bool) -> Iterator[list[Piece]]:
        """A thought without an answer, or an answer that the server took for a thought.

        The latter where our prompt closes the think block, or where an output came to its end by itself and the template
        knows no reasoning; only a model that thinks can stop inside its thought.
        """
        join = self._joiner.join(self._prompt)
        plain: list[Piece] = [(reasoning, False)]
        thoughts = [join.pieces(reasoning, "", finished=False)]
        if finished:
            thoughts.insert(0, join.pieces(reasoning, "", finished=True))
        if finished and self._joiner.opening:  # an output ends in the part that the template opens for the answer
            yield [(self._joiner.opening, True), (reasoning, False)]
        is_answer = join.source == "closed" or (finished and join.source == "assumed")
        yield from [plain, *thoughts] if is_answer else [*thoughts, plain]

    def _without_reasoning(self, content: str, *, finished: bool) -> Iterator[list[Piece]]:
        join, opening = self._joiner.join(self._prompt), self._joiner.opening
        own = join.without_given(content)
        if own != content:
            yield from self._without_reasoning(own, finished=finished)
        parsed = own_form(content, join, opening, self._tokenizer, finished=finished)
        if parsed is not None:
            yield parsed
        yield [(opening, True), (content, False)] if opening else [(content, False)]
        yield [(content, False)]
        yield [(content, True)]  # a server that skips no special tokens
        if join.source != "assumed":
            yield from self._empty_thought(join, content)

    @staticmethod
    def _empty_thought(join: ReasoningJoin, content: str) -> Iterator[list[Piece]]:
        """A thought that the model closed at once, and the server left out."""
        yield join.pieces("", content)
        line = "\n" if "\n" in join.before + join.between else ""
        yield [(join.before.rstrip(), True), (line, False), (join.between.strip(), True), (2 * line + content, False)]


def _variants(join: ReasoningJoin) -> Iterator[ReasoningJoin]:
    """Where the template does not say how, the tags stand alone or on lines of their own."""
    if join.source == "template":
        return
    for line in ("", "\n"):
        before = f"{OPEN}{line}" if join.before else ""
        yield ReasoningJoin(before=before, between=f"{line}{CLOSE}{2 * line}", source=join.source)
