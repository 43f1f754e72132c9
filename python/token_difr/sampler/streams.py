"""What the random streams are keyed by and depend on, as the native core knows it."""

from __future__ import annotations

from functools import cache

from token_difr import _core
from token_difr.errors import SamplerError

__all__ = ["stream_facts"]


@cache
def stream_facts(name: str, variant: str) -> _core.StreamFacts:
    """The facts of a stream.

    Raises:
        SamplerError: No such stream.
    """
    try:
        return _core.stream_facts(name, variant)
    except ValueError as error:
        raise SamplerError(str(error)) from None
