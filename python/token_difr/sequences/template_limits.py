"""How long a chat template may run: it is a program of the model's author, and may never end.

Jinja's sandbox keeps it from doing harm, not from running. The thread that renders is watched line by line, so that it can
be stopped in any loop, and by itself: no other thread or process has to wait for it.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

__all__ = ["RENDER_SECONDS", "TEMPLATE_FAULTS", "TemplateLimitError", "bounded_rendering"]

RENDER_SECONDS = 10.0

TEMPLATE_FAULTS = (
    TypeError,
    ValueError,
    LookupError,
    AttributeError,
    ArithmeticError,
    RecursionError,
    MemoryError,
)
"""What a template's own code can raise beside Jinja's errors."""


class TemplateLimitError(ValueError):
    """A template takes more time or memory than it is given."""


@contextmanager
def bounded_rendering(seconds: float = RENDER_SECONDS) -> Iterator[None]:
    """Ends what this thread does in the block after so long; a call into compiled code ends first.

    Args:
        seconds: From now on.

    Raises:
        TemplateLimitError: In the block, where it takes longer.
    """
    deadline = time.monotonic() + seconds

    def watch(_: FrameType, __: str, ___: Any) -> Any:
        if time.monotonic() > deadline:
            raise TemplateLimitError(f"it takes longer than {seconds:g} seconds")
        return watch

    usual = sys.gettrace()
    sys.settrace(watch)
    try:
        yield
    finally:
        sys.settrace(usual)
