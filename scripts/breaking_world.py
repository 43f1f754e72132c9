"""A provider and a reference on loopback that answer as asked until they break."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

__all__ = ["CHAT", "COMPLETIONS", "Reply", "Spoil", "World", "serving"]

CHAT, COMPLETIONS = "/v1/chat/completions", "/v1/completions"
Spoil = Callable[[Any], Any]


class Reply(NamedTuple):
    """What is sent in place of an answer.

    Attributes:
        status: The HTTP status; 0 = the connection is closed without one.
        body: The body.
        headers: More headers.
        length: The length that is announced; None = the body's.
    """

    status: int
    body: bytes = b"{}"
    headers: tuple[tuple[str, str], ...] = ()
    length: int | None = None


@dataclass
class World:
    """A provider and a reference in one: answers are the last message in upper case, each row knows its token.

    Attributes:
        fault: What comes in place of an answer, or what is done to it; None = nothing breaks.
        route: Which route breaks.
        spared: How many of its requests are answered before it does.
        answered: Tags of the requests that were answered as asked.
    """

    fault: Reply | Spoil | None = None
    route: str = CHAT
    spared: int = 0
    answered: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, path: str, body: dict[str, Any], tag: str) -> Reply:
        """What is sent for a request."""
        whole = _chat(body) if path == CHAT else _completion(body["prompt"])
        with self._lock:
            if self.fault is None or path != self.route:
                fault = None
            elif self.spared:
                self.spared -= 1
                fault = None
            else:
                fault = self.fault
            if fault is None:
                self.answered.append(tag)
        if isinstance(fault, Reply):
            return fault
        return Reply(200, json.dumps(whole if fault is None else fault(whole)).encode())


def _chat(body: dict[str, Any]) -> dict[str, Any]:
    content = body["messages"][-1]["content"].upper()
    message = {"role": "assistant", "content": content}
    return {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "model": body["model"]}


def _completion(prompt: list[int]) -> dict[str, Any]:
    rows = [{str(token): {"logprob": -0.25}, str(token + 1): {"logprob": -2.0}} for token in prompt]
    return {"choices": [{"text": "", "prompt_token_ids": prompt, "prompt_logprobs": [None, *rows[1:]]}]}


@contextmanager
def serving(world: World) -> Iterator[str]:
    """A server of that world; yields its URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            reply = world.answer(self.path, body, self.headers.get("x-request-tag", ""))
            self.close_connection = reply.length is not None or not reply.status
            if not reply.status:
                return
            self.send_response(reply.status)
            for name, value in (("content-type", "application/json"), *reply.headers):
                self.send_header(name, value)
            self.send_header("content-length", str(len(reply.body) if reply.length is None else reply.length))
            self.end_headers()
            self.wfile.write(reply.body)

        def log_message(self, *arguments: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, *arguments: Any) -> None:
            pass

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
