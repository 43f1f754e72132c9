"""The demo's server as the command line starts it, for scripts that measure it or try clients on it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

COMMAND = (sys.executable, "-m", "token_difr", "serve", "demo", "--port", "0", "--until-stdin-closes")


@contextmanager
def demo_server() -> Iterator[tuple[str, int]]:
    """Base URL and process id; the server ends with the block."""
    with subprocess.Popen(
        COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        try:
            yield server.stdout.readline().strip() if server.stdout else "", server.pid
        finally:
            server.communicate()
