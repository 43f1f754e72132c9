"""Headers that a user adds to every request."""

from __future__ import annotations

import re
from collections.abc import Mapping

from token_difr.errors import InputError

__all__ = ["checked_headers"]

NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""A header's name (RFC 9110, section 5.6.2)."""

OF_THE_CONNECTION = frozenset(
    {"connection", "content-length", "expect", "te", "trailer", "transfer-encoding", "upgrade"}
)
"""Headers that say how a message is sent: with a user's, none would arrive."""


def checked_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers as they are sent: values without the white space around them. No message shows a value.

    Raises:
        InputError: A name or a value that HTTP cannot send, or a header of the connection itself.
    """
    for position, (name, value) in enumerate(headers.items(), 1):
        if not NAME.fullmatch(name):
            # What is no name may be a value in its place.
            raise InputError(f"header number {position} has a name that HTTP cannot send: letters, digits and - alone")
        if name.lower() in OF_THE_CONNECTION:
            raise InputError(f"the header {name} is the connection's own, and cannot be given")
        if not (value.isascii() and value.strip().isprintable()):
            raise InputError(f"the header {name!r} holds characters that HTTP cannot send: printable ASCII alone")
    return {name: value if value == value.strip() else value.strip() for name, value in headers.items()}
