"""The driver of all answers: a request's choices, whole or in pieces, and the objects around them.

What differs between APIs stands in two places: a :class:`Choice` makes the JSON of one sequence, an :class:`Envelope`
what is around it. A new API brings these two, a body, and a function from the body to an :class:`Answer`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from token_difr.server.answers.requests.error import ApiError, bad_request
from token_difr.server.answers.sequences import Sequences
from token_difr.server.generation import SchedulerStoppedError
from token_difr.server.generation.sampling.masks import NoTokenLeftError

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
            ApiError: The model failed, or the server shut down.
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
            ApiError: The model failed, or the server shut down.
        """
        self._raise_failure()
        yield from self._envelope.closing_events()

    def _raise_failure(self) -> None:
        """The error of a sequence that came to no end; what failed in the model goes to the log, not to the caller."""
        errors = (generation.error for generation in self.sequences.generations)
        match next((error for error in errors if error is not None), None):
            case None:
                return
            case NoTokenLeftError():
                message = "The request rules out every token: by allowed_token_ids, bad_words and min_tokens together."
                raise bad_request(message, param="allowed_token_ids")
            case SchedulerStoppedError() as failure:
                message = "The server is shutting down: the answer is not complete. Try again later."
                raise ApiError(503, message, code="shutting_down", headers={"Retry-After": "1"}) from failure
            case failure:
                message = "The model failed to run; the server's log says why."
                raise ApiError(500, message, code="internal_error") from failure
