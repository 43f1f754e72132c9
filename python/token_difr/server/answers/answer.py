"""The driver of all answers: a request's choices, whole or in pieces, and the objects around them.

What differs between APIs stands in two places: a :class:`Choice` makes the JSON of one sequence, an :class:`Envelope`
what is around it. A new API brings these two, a body, and a function from the body to an :class:`Answer`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from token_difr.server.answers.requests.error import ApiError
from token_difr.server.answers.sequences import Sequences

__all__ = ["Answer", "Choice", "Envelope", "JsonObject"]

JsonObject = dict[str, Any]


class Choice(Protocol):
    """The JSON of one sequence."""

    def pieces(self) -> Iterator[JsonObject]:
        """What is new since the last call, as it stands in an event; nothing while no text is certain."""
        ...

    def whole(self) -> JsonObject:
        """A finished sequence that was never read, in one piece."""
        ...


class Envelope(Protocol):
    """The JSON around choices."""

    def whole(self, choices: list[JsonObject]) -> Any:
        """The body of a whole answer."""
        ...

    def event(self, piece: JsonObject) -> JsonObject:
        """One event of a stream."""
        ...

    def closing_events(self) -> Iterator[JsonObject]:
        """The events of a stream after the last piece."""
        ...


class Answer:
    """One request's answer.

    Args:
        sequences: What is generated for it.
        choices: The JSON of each sequence.
        envelope: The JSON around them.
    """

    def __init__(self, sequences: Sequences, choices: Sequence[Choice], envelope: Envelope) -> None:
        self.sequences = sequences
        self._choices = choices
        self._envelope = envelope

    def whole(self) -> Any:
        """The body of the answer to sequences that are done.

        Raises:
            ApiError: The model failed.
        """
        self._raise_failure()
        return self._envelope.whole([choice.whole() for choice in self._choices])

    def events(self) -> Iterator[JsonObject]:
        """The events of a stream that are new."""
        for choice in self._choices:
            for piece in choice.pieces():
                yield self._envelope.event(piece)

    def closing_events(self) -> Iterator[JsonObject]:
        """The events of a stream after the last piece.

        Raises:
            ApiError: The model failed.
        """
        self._raise_failure()
        yield from self._envelope.closing_events()

    def _raise_failure(self) -> None:
        """HTTP 500 if the model failed; what failed goes to the log, not to the caller."""
        errors = (generation.error for generation in self.sequences.generations)
        failure = next((error for error in errors if error is not None), None)
        if failure is not None:
            message = "The model failed to run; the server's log says why."
            raise ApiError(500, message, code="internal_error") from failure
