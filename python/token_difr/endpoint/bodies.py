"""Reading an answer's body, of which a server may send as much as it likes."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx2

__all__ = ["MAX_ANSWER_MB", "MEGABYTE", "Bodies", "TooLargeError"]

MEGABYTE = 10**6

MAX_ANSWER_MB = 64.0
"""Megabytes of one answer, decompressed. An answer of 20 logprobs for each of 30,000 tokens has about so many."""

MOST_OF_AN_ERROR = 10**5
"""Bytes of an answer with an error's status that are read; nobody looks at more."""

USUAL = MEGABYTE
"""Bytes beyond which answers are read one at a time: what is in memory is bounded for all of them together."""


class TooLargeError(Exception):
    """An answer has more bytes than it may have."""


class Bodies:
    """Reads the bodies of one client's answers.

    Args:
        max_mb: Megabytes of one, decompressed.
    """

    def __init__(self, max_mb: float = MAX_ANSWER_MB) -> None:
        self._most = int(max_mb * MEGABYTE)
        self._large = asyncio.Lock()

    async def read(self, response: httpx2.Response) -> bytes:
        """The decompressed body of a response that is read as a stream, which is closed.

        Of an error's, the beginning.

        Raises:
            TooLargeError: It has more bytes than are allowed; the rest was not read.
        """
        parts = list[bytes]()
        async with AsyncExitStack() as held:
            held.push_async_callback(response.aclose)
            try:
                await self._read(response, parts, held)
                return b"".join(parts)
            finally:
                # Before others may read: an error's traceback would hold them, too.
                parts.clear()

    async def _read(self, response: httpx2.Response, parts: list[bytes], held: AsyncExitStack) -> None:
        # Without compression the length is known before anything was read.
        length = response.headers.get("content-length", "")
        plain = response.headers.get("content-encoding", "identity") == "identity"
        if not response.is_error and plain and _exceeds(length, self._most):
            raise TooLargeError
        size = 0
        async for part in response.aiter_bytes():  # of a megabyte at most, however well it was compressed
            if size <= USUAL < size + len(part):
                await held.enter_async_context(self._large)
            parts.append(part)
            size += len(part)
            if response.is_error and size > MOST_OF_AN_ERROR:
                return
            if size > self._most:
                raise TooLargeError


def _exceeds(length: str, most: int) -> bool:
    return length.isdecimal() and (len(length) > len(str(most)) or int(length) > most)
