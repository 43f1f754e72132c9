"""What the reference could not read as it was sent: one sequence's fault, or everybody's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Self

from token_difr.errors import AuthenticationError, EndpointError, RowsError, UnknownModelError

__all__ = ["MOST_UNREAD", "Unread", "check_unread", "is_of_one_sequence"]

MOST_UNREAD = 0.1
"""The share of the sequences that may stay unread: beyond it the fault lies in the reference, or in the tokenizer."""

REFUSALS = frozenset({400, 403, 413, 414, 422})
"""HTTP statuses that speak of what one request holds: too long, a token that the model does not have, moderated text."""


class Unread(NamedTuple):
    """A sequence without rows.

    Attributes:
        error: What the reference did instead of giving them, in one line.
    """

    error: EndpointError

    @classmethod
    def because(cls, error: EndpointError) -> Self:
        """For ``error``, without what it was raised from: that may hold a long answer."""
        error.__cause__ = error.__context__ = None
        return cls(error.with_traceback(None))

    @property
    def reason(self) -> str:
        """The line."""
        return str(self.error)


def is_of_one_sequence(error: EndpointError) -> bool:
    """Whether an error may be about the one sequence that was sent, so that others can do without it.

    So it is with rows for other tokens or for too few of them, and with a request that is refused for what it holds. It
    is not with a refused key or model, with a server that fails or a page in its place, whatever the status, since the
    same again may do; nor with a refusal of the logprobs themselves: all other requests ask for them too.
    """
    if isinstance(error, AuthenticationError | UnknownModelError):
        return False
    status = getattr(error.__cause__, "status_code", None)
    if status is not None:
        return status in REFUSALS and "logprob" not in str(error).lower()
    return isinstance(error, RowsError)


def check_unread(unread: Mapping[int, Unread], sequences: int, most: float = MOST_UNREAD) -> None:
    """Refuse to go on without too many.

    Args:
        unread: What could not be read, by index.
        sequences: How many there are.
        most: The share of them that may be unread.

    Raises:
        EndpointError: More of them are; of the first one's type.
    """
    if len(unread) <= most * sequences:
        return
    first = min(unread)
    error = unread[first].error
    summary = type(error)(
        f"the reference could not read {len(unread)} of {sequences} sequences as they were sent, and at most {most:.0%} "
        f"may be left out; the first is that of prompt {first}: {unread[first].reason.rstrip('.?! ')}. Are its model and "
        "tokenizer those of the audit, and is its context long enough? What it has read is kept; once the cause is gone, "
        "the same again asks only for what is missing"
    )
    raise summary from error
