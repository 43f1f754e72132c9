"""What a body may become in memory: its bytes say little of that."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from token_difr import _core
from token_difr.server.answers.requests.error import bad_request

__all__ = ["MOST_OBJECTS", "MOST_VALUES", "check_parts", "turn_of"]

MOST_OBJECTS = 2**16
"""Texts, names of fields, lists and objects of a body: each is at least fifty bytes in memory, and as much again if it is wrong."""

MOST_VALUES = 2**20 + 2**16
"""Values of a body, most of which may be the token ids of a prompt."""

_LARGE = 2**16
"""Bytes of a body from which on bodies are judged one at a time."""
_turn = threading.Lock()


def check_parts(content: bytes) -> None:
    """Refuses a body that is small on the way and large in memory, before any of it is built.

    Raises:
        ApiError: HTTP 400.
    """
    objects, further = _core.json_parts(content)
    if objects > MOST_OBJECTS:
        raise bad_request(
            f"The body holds {objects} texts, names, lists and objects; this server takes {MOST_OBJECTS}: "
            "send several requests."
        )
    if further > MOST_VALUES:
        raise bad_request(f"The body holds {further} values; this server takes {MOST_VALUES}: send several requests.")


@contextmanager
def turn_of(size: int) -> Iterator[None]:
    """For the thread that judges a body of so many bytes: large ones wait for each other, so that one at a time is built."""
    if size < _LARGE:
        yield
        return
    with _turn:
        yield
