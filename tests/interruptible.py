"""Processes that Ctrl-C ends, also where the tests themselves run in the background, which ignores it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

# A shell starts what runs in the background with SIGINT ignored, and children inherit that.
_RESTORE = "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])"


def interruptible(arguments: Sequence[str]) -> subprocess.Popen[str]:
    """This Python with ``arguments``, to be sent SIGINT; standard output and error are pipes."""
    command = [sys.executable, "-c", _RESTORE, sys.executable, *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
