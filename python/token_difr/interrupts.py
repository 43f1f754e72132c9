"""Ctrl-C: at once while there is nothing to keep; in an orderly way once something was asked for."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

__all__ = ["INTERRUPTED", "begin_asking", "begin_work", "is_command_line", "leave_at_once", "run_work"]

INTERRUPTED = 130
"""Exit code of what Ctrl-C has ended."""

T = TypeVar("T")


def is_command_line() -> bool:
    """Whether this process is the command line, and not somebody's program that imports the package."""
    name = sys.argv[0] if sys.argv else ""
    if name == "-m":  # Python imports the package before it knows the file of its __main__
        return "token_difr" in sys.orig_argv
    return os.path.basename(name).partition(".")[0] == "token-difr"  # noqa: PTH119  # pathlib takes long to import


def leave_at_once() -> None:
    """Let Ctrl-C end the process without a traceback: so it is until :func:`begin_work`.

    Files are written whole or not at all, and lines of journals that were cut off are left out: nothing breaks. An
    exception would act only once the import of a library is over, or be swallowed by it.
    """
    own = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # not where it is ignored
    if own and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, _leave)


def begin_work() -> None:
    """From here on Ctrl-C is a ``KeyboardInterrupt``, and keeps what has arrived."""
    if signal.getsignal(signal.SIGINT) is _leave:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def begin_asking() -> None:
    """The same before endpoints are asked: the SDK, which takes a second to import, is here before Ctrl-C waits for it."""
    import openai  # noqa: F401

    begin_work()


def run_work(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run what asks endpoints.

    Raises:
        KeyboardInterrupt: Ctrl-C ended it. Python before 3.13 forgets so where a group of tasks had failed earlier, and been
            caught: it leaves a cancellation behind, and the next one is raised as it is. Here nobody else cancels the work.
    """
    import asyncio

    begin_asking()
    try:
        return asyncio.run(work())
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


def _leave(*_: object) -> None:
    os._exit(INTERRUPTED)
