"""Servers as child processes that cannot outlive their parent.

Each child watches its standard input and shuts down at its end. The parent alone holds the other end, so that
the child goes when the parent does, however the parent dies; nothing needs to be cleaned up.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from token_difr.demo.providers import MODEL_NAME, SAMPLER, DemoProvider
from token_difr.errors import EndpointUnreachableError

__all__ = ["running_servers"]

SHUTDOWN_SECONDS = 10


@contextmanager
def running_servers(cast: Iterable[DemoProvider], logs: Path, model: str = "demo") -> Iterator[dict[str, str]]:
    """Start a server for each of ``cast`` and yield their base URLs by name; all are gone on leaving.

    Args:
        cast: Who to start. All start at once, since loading takes longer than serving the first answer.
        logs: Folder for one log file a server.
        model: What they serve: a folder, a GGUF file, or "demo" for the packaged model.

    Raises:
        EndpointUnreachableError: A server ended before it was ready; names its log.
    """
    with ExitStack() as stack:
        started = [(provider, stack.enter_context(_server(provider, logs, model))) for provider in cast]
        yield {provider.name: _base_url(process, logs / f"{provider.name}.log") for provider, process in started}


@contextmanager
def _server(provider: DemoProvider, logs: Path, model: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "token_difr", "serve", model, "--port", "0", "--until-stdin-closes"]
    command += ["--model-name", MODEL_NAME, "--sampler", SAMPLER, *provider.options]
    with (
        (logs / f"{provider.name}.log").open("w", encoding="utf-8") as log,
        subprocess.Popen(  # noqa: S603 - our own interpreter, our own arguments
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,  # Ctrl-C goes to the parent, which closes the pipe
        ) as process,
    ):
        try:
            yield process
        finally:
            _stop(process)


def _stop(process: subprocess.Popen[str]) -> None:
    if process.stdin is not None:
        process.stdin.close()
    try:
        process.wait(SHUTDOWN_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()


def _base_url(process: subprocess.Popen[str], log: Path) -> str:
    """The line that a server writes once it answers requests."""
    line = process.stdout.readline().strip() if process.stdout is not None else ""
    if not line:
        last = log.read_text(encoding="utf-8").strip().rpartition("\n")[2]
        raise EndpointUnreachableError(f"a demo server did not start; the last line of {log} is: {last or '(empty)'}")
    return f"{line}/v1"
