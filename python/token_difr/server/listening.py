"""Running the application on a socket until it is told to stop."""

from __future__ import annotations

import os
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn

from token_difr.errors import InputError
from token_difr.server.app import create_app
from token_difr.server.service import ModelService
from token_difr.server.settings import ServerSettings

__all__ = ["running", "serve"]

_GRACE_SECONDS = 30
_POLL_SECONDS = 0.01


def serve(
    settings: ServerSettings,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    on_ready: Callable[[str], None] | None = None,
    until_stdin_closes: bool = False,
) -> None:
    """Serves a model until the process is interrupted.

    Args:
        settings: What is served and how.
        host: Address to listen on; the default is reachable from this machine only.
        port: TCP port; 0 = any free one.
        on_ready: Called with the base URL once requests are answered.
        until_stdin_closes: Shut down when standard input reaches its end, so that the server does not outlive the
            program that started it.

    Raises:
        InputError: The folder cannot be served, or the address cannot be listened on.
    """
    service = ModelService(settings)
    listener = _listen(host, port)
    server = _AnnouncingServer(service, lambda: on_ready(_address(listener)) if on_ready else None)
    if until_stdin_closes:
        threading.Thread(target=_stop_at_end_of_input, args=(server,), daemon=True).start()
    server.run(sockets=[listener])


@contextmanager
def running(service: ModelService) -> Iterator[str]:
    """Serves a model from a thread of this process on a free loopback port, for as long as the block lasts.

    Args:
        service: The loaded model; it can be served once.

    Yields:
        The base URL.
    """
    listener, ready = _listen("127.0.0.1", 0), threading.Event()
    server = _AnnouncingServer(service, ready.set)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="token-difr-server")
    thread.start()
    try:
        while not ready.wait(_POLL_SECONDS):
            if not thread.is_alive():
                raise InputError("the server ended while it started; its log says why")
        yield _address(listener)
    finally:
        server.should_exit = True
        thread.join()


class _AnnouncingServer(uvicorn.Server):
    def __init__(self, service: ModelService, on_ready: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                create_app(service), log_config=None, access_log=False, timeout_graceful_shutdown=_GRACE_SECONDS
            )
        )
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if not self.should_exit:
            self._on_ready()


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise InputError(f"cannot listen on {host}:{port}: {error.strerror}; choose another --port") from error
    return listener


def _stop_at_end_of_input(server: uvicorn.Server) -> None:
    # Not through sys.stdin: a thread that waits in its buffer makes the interpreter's end fail.
    while os.read(sys.stdin.fileno(), 4096):
        pass
    server.should_exit = True
