"""A function as an HTTP server on a free loopback port, for stand-ins."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

__all__ = ["PROTOBUF", "Answer", "Request", "json_answer", "serving"]

PROTOBUF = "application/x-protobuf"
"""The content type of a protocol buffer; all else is taken for JSON."""


class Request(NamedTuple):
    """What came in.

    Attributes:
        method: ``GET`` or ``POST``.
        path: With the query.
        headers: By name in lower case.
        body: The JSON object; empty where there was none, or something else.
        content: All of it, as it came.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    body: dict[str, Any]
    content: bytes = b""


class Answer(NamedTuple):
    """What goes out."""

    status: int
    content_type: str
    content: bytes


def json_answer(value: object, status: int = 200) -> Answer:
    """A JSON document."""
    return Answer(status, "application/json", json.dumps(value).encode())


@contextmanager
def serving(answer: Callable[[Request], Answer]) -> Iterator[str]:
    """Serves ``answer``, which several threads may call at once, for as long as the block lasts.

    Yields:
        The base URL.
    """
    server = _Server(("127.0.0.1", 0), _handler(answer))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True  # a client that keeps its connection open does not keep the server

    def handle_error(self, *arguments: Any) -> None:
        """Clients that break off are no errors."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(*arguments)


def _handler(answer: Callable[[Request], Answer]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self._answer("POST")

        def do_GET(self) -> None:
            self._answer("GET")

        def _answer(self, method: str) -> None:
            content = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            is_json = content and headers.get("content-type", "").partition(";")[0] != PROTOBUF
            body = json.loads(content) if is_json else {}
            given = answer(Request(method, self.path, headers, body, content))
            self.send_response(given.status)
            self.send_header("content-type", given.content_type)
            self.send_header("content-length", str(len(given.content)))
            self.end_headers()
            self.wfile.write(given.content)

        def log_message(self, *arguments: Any) -> None:
            """Says nothing."""

    return Handler
