"""Running the application on a socket until it is told to stop."""

from __future__ import annotations

import asyncio
import logging
import math
import os
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

import uvicorn

from token_difr.errors import InputError
from token_difr.server.app import create_app
from token_difr.server.connection import timed_connection
from token_difr.server.service import ModelService
from token_difr.server.settings import ServerSettings

__all__ = ["running", "serve"]

_POLL_SECONDS = 0.01
_LAST_SECONDS = 1
"""After the grace: what the models abandon has so long to say so; uvicorn counts in whole seconds."""
_KEEP_ALIVE_SECONDS = 5
"""An idle connection is closed so long after an answer."""
_logger = logging.getLogger("token_difr.server")


def serve(
    *settings: ServerSettings,
    host: str = "127.0.0.1",
    port: int = 8000,
    on_ready: Callable[[str], None] | None = None,
    until_stdin_closes: bool = False,
) -> None:
    """Serves models until the process is interrupted; a second signal ends it at once.

    Args:
        settings: What is served and how, one a model.
        host: Address to listen on; the default is reachable from this machine only.
        port: TCP port; 0 = any free one.
        on_ready: Called with the base URL once requests are answered.
        until_stdin_closes: Shut down when standard input reaches its end, so that the server does not outlive the
            program that started it.

    Raises:
        InputError: A model cannot be served, or the address cannot be listened on.
    """
    services = _load(settings)
    listener = _listen(host, port)
    server = _AnnouncingServer(services, lambda: on_ready(_address(listener)) if on_ready else None)
    if until_stdin_closes:
        threading.Thread(target=_stop_at_end_of_input, args=(server,), daemon=True).start()
    server.run(sockets=[listener])


def _load(settings: Sequence[ServerSettings]) -> list[ModelService]:
    """The models; those that differ in what is done around the engine share it."""
    services: list[ModelService] = []
    for one in settings:
        alike = (s.loaded for s in services if s.settings.engine_key == one.engine_key)
        services.append(ModelService(one, next(alike, None)))
    return services


@contextmanager
def running(*services: ModelService) -> Iterator[str]:
    """Serves models from a thread of this process on a free loopback port, for as long as the block lasts.

    Args:
        services: The loaded models; each can be served once.

    Yields:
        The base URL.
    """
    listener, ready = _listen("127.0.0.1", 0), threading.Event()
    server = _AnnouncingServer(services, ready.set)
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
    def __init__(self, services: Sequence[ModelService], on_ready: Callable[[], None]) -> None:
        settings = services[0].settings
        super().__init__(
            uvicorn.Config(
                create_app(*services),
                log_config=None,
                access_log=False,
                http=timed_connection(settings.request_seconds),
                limit_concurrency=settings.max_connections,
                timeout_keep_alive=min(_KEEP_ALIVE_SECONDS, math.ceil(settings.request_seconds)),
                timeout_graceful_shutdown=math.ceil(settings.grace_seconds) + _LAST_SECONDS,
            )
        )
        self._services = services
        self._on_ready = on_ready
        self._grace_seconds = settings.grace_seconds

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if not self.should_exit:
            self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for service in self._services:
            service.drain()
        grace = asyncio.get_running_loop().call_later(self._grace_seconds, self._abandon)
        try:
            await super().shutdown(sockets)
        finally:
            grace.cancel()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self.should_exit:
            # Whatever runs: threads in a long pass would hold up any softer end.
            _logger.warning("a second signal: the server ends at once")
            os._exit(128 + sig)
        super().handle_exit(sig, frame)

    def _abandon(self) -> None:
        for service in self._services:
            service.abandon()


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
