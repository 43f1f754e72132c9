"""How long a chat template may be, run and write: it is a program of the model's author, and may never end.

Jinja's sandbox keeps it from doing harm, not from running. The thread that renders is watched line by line, so that it can
be stopped in any loop, and by itself: no other thread or process has to wait for it. The same watch sees texts and lists
that grow from line to line. What one line makes of nothing (``"x" * 10**11``) is Python's to refuse.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

__all__ = [
    "LARGEST_RENDERING",
    "LONGEST_TEMPLATE",
    "RENDER_SECONDS",
    "TEMPLATE_FAULTS",
    "TemplateLimitError",
    "bounded_rendering",
    "check_rendering",
    "check_template",
]

RENDER_SECONDS = 10.0

LONGEST_TEMPLATE = 2**20
"""Characters of a template's source, ten times the longest of today's models; Jinja's compiler needs a second for so many."""

LARGEST_RENDERING = 2**24
"""Characters of a text, or elements of a list, that a template may make: far beyond the context of any model."""

_SIZED = (str, list, tuple)
"""What a template can let grow. A tuple: ``str | list`` would be made anew for every value of every line."""

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


def check_template(source: object) -> None:
    """Refuses a template that is too long to be compiled; several by name are judged one by one.

    Raises:
        TemplateLimitError: With its length.
    """
    for one in source.values() if isinstance(source, dict) else [source]:
        if isinstance(one, str) and len(one) > LONGEST_TEMPLATE:
            raise TemplateLimitError(f"it has {len(one)} characters; at most {LONGEST_TEMPLATE} are compiled")


def check_rendering(text: object) -> None:
    """Refuses a text that no model could read.

    Raises:
        TemplateLimitError: With the limit.
    """
    if isinstance(text, _SIZED) and len(text) > LARGEST_RENDERING:
        raise _too_much()


def _too_much() -> TemplateLimitError:
    return TemplateLimitError(f"it makes more than {LARGEST_RENDERING} characters or elements")


@contextmanager
def bounded_rendering(seconds: float | None = None) -> Iterator[None]:
    """Ends what this thread does in the block after so long, or once it holds too much; a call into compiled code ends first.

    Args:
        seconds: From now on; None = ``RENDER_SECONDS``.

    Raises:
        TemplateLimitError: In the block, where it takes longer or makes more.
    """
    usual = sys.gettrace()
    sys.settrace(_Watch(RENDER_SECONDS if seconds is None else seconds).enter)
    try:
        yield
    finally:
        sys.settrace(usual)


class _Watch:
    """What Python calls at each new frame, and then at each of its lines."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._deadline = time.monotonic() + seconds
        self._written = 0

    def enter(self, frame: FrameType, event: str, made: Any) -> Any:
        """How a frame is watched: values are looked at where they can grow, as it takes as long as the rendering itself.

        That is in the template's own frames, which Jinja names so, and where a ``namespace`` gets a value.
        """
        if frame.f_code.co_filename == "<template>" or frame.f_code.co_name == "__setitem__":
            return self.line_of_template(frame, event, made)
        return self.line(frame, event, made)

    def line(self, _: FrameType, __: str, ___: Any) -> Any:
        """The time alone."""
        if time.monotonic() > self._deadline:
            raise TemplateLimitError(f"it takes longer than {self._seconds:g} seconds")
        return self.line

    def line_of_template(self, frame: FrameType, event: str, made: Any) -> Any:
        """The time, the values of the frame, and what the template has written so far."""
        self.line(frame, event, made)
        for value in frame.f_locals.values():
            check_rendering(value)
        if event == "return" and isinstance(made, str):  # a piece of the text, which it goes on behind
            self._written += len(made)
            if self._written > LARGEST_RENDERING:
                raise _too_much()
        return self.line_of_template
