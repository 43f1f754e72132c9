"""What several tests share: an endpoint on loopback whose answers a test decides, and a tokenizer of characters."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# Two workers with two threads of torch's each wait for one another, for minutes on a busy machine: one thread a worker, before
# anything imports torch. Child processes inherit it.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Random tests run without a clock, and as often as TOKEN_DIFR_MAX_EXAMPLES says.
settings.register_profile(
    "token-difr",
    deadline=None,
    max_examples=int(os.environ.get("TOKEN_DIFR_MAX_EXAMPLES", "100")),
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("token-difr")

Answer = tuple[int, Any]
RunCli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run_cli(capsys: pytest.CaptureFixture[str]) -> RunCli:
    """Runs the command line in this process: exit code, standard output, standard error."""
    from token_difr.cli import main

    def run(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        assert isinstance(ended.value.code, int)
        return ended.value.code, *capsys.readouterr()

    return run


@pytest.fixture(scope="session", autouse=True)
def _no_waiting_for_the_disk() -> Iterator[None]:
    """No test cuts the power: what is written need not be on the disk before a call returns."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _descriptor: None)
        yield


class FakeEndpoint:
    """A provider and vLLM-like reference: a chat answer is the last message in upper case, every row knows its token.

    Attributes:
        url: The base URL.
        answer: (path, request body) -> (HTTP status, answer); a test replaces it to misbehave. Bytes go out as they are.
        requests: (path, request body, headers in lower case) of all requests so far.
    """

    def __init__(self, server: ThreadingHTTPServer) -> None:
        self.url = f"http://127.0.0.1:{server.server_address[1]}"
        self.answer: Callable[[str, dict[str, Any]], Answer] = self.honest
        self.requests: list[tuple[str, dict[str, Any], dict[str, str]]] = []

    def tags(self) -> list[str]:
        """The tags of all requests so far."""
        return [headers.get("x-request-tag", "") for _, _, headers in self.requests]

    def honest(self, path: str, body: dict[str, Any]) -> Answer:
        """The answer of an endpoint that does as asked."""
        if path == "/v1/chat/completions":
            return 200, self.chat(body["messages"][-1]["content"].upper())
        return 200, self.completion(body["prompt"])

    @staticmethod
    def chat(content: str, **message: Any) -> dict[str, Any]:
        """A chat completion."""
        choice = {"index": 0, "message": {"role": "assistant", "content": content, **message}, "finish_reason": "stop"}
        return {"choices": [choice], "usage": {"prompt_tokens": 7, "completion_tokens": len(content)}}

    @staticmethod
    def completion(prompt: list[int]) -> dict[str, Any]:
        """A completion with two entries a row: the sent token on top, and the next id."""
        rows = [
            {str(token): {"logprob": -0.25, "rank": 1}, str(token + 1): {"logprob": -2.0, "rank": 2}}
            for token in prompt
        ]
        return {
            "choices": [
                {"text": "", "prompt_token_ids": prompt, "token_ids": [5], "prompt_logprobs": [None, *rows[1:]]}
            ]
        }


class _Server(ThreadingHTTPServer):
    def handle_error(self, *arguments: Any) -> None:
        """A client that stops at a fatal error leaves requests unanswered; all else is a fault of the test."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(*arguments)


def _serve(endpoint_of: Callable[[ThreadingHTTPServer], FakeEndpoint]) -> tuple[ThreadingHTTPServer, FakeEndpoint]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            fake.requests.append((self.path, body, {name.lower(): value for name, value in self.headers.items()}))
            status, answer = fake.answer(self.path, body)
            content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *arguments: Any) -> None:
            pass

    server = _Server(("127.0.0.1", 0), Handler)
    fake = endpoint_of(server)
    return server, fake


@pytest.fixture
def start_endpoint() -> Iterator[Callable[[], FakeEndpoint]]:
    """Starts a fake endpoint; it ends with the test."""
    with ExitStack() as stack:

        def start() -> FakeEndpoint:
            server, fake = _serve(FakeEndpoint)
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            stack.callback(server.server_close)
            stack.callback(thread.join)
            stack.callback(server.shutdown)
            return fake

        yield start


@pytest.fixture
def endpoint(start_endpoint: Callable[[], FakeEndpoint]) -> FakeEndpoint:
    """A running fake endpoint."""
    return start_endpoint()


class Characters:
    """A tokenizer with one token a character, whose id is the code point; 2 ends a message, "<end>" spells it."""

    chat_template = "yes"
    eos_token_id = 2
    name_or_path = "characters"

    def apply_chat_template(
        self, conversation: Any, *, tokenize: bool, add_generation_prompt: bool, date_string: str = ""
    ) -> str:
        """The date, ``role:content<end>`` a message, then ``assistant:`` if there is an answer to come."""
        assert not tokenize
        opening = "assistant:" if add_generation_prompt else ""
        return date_string + "".join(f"{m['role']}:{m['content']}<end>" for m in conversation) + opening

    def encode(self, text: str, *, add_special_tokens: bool, split_special_tokens: bool) -> list[int]:
        """Code points; "<end>" is 2 unless special tokens are split."""
        assert not add_special_tokens
        return [ord(c) for c in (text if split_special_tokens else text.replace("<end>", "\x02"))]

    def decode(self, token_ids: list[int], *, skip_special_tokens: bool = False) -> str:
        """The characters."""
        return "".join(chr(token) for token in token_ids if not (skip_special_tokens and token == self.eos_token_id))


@pytest.fixture
def characters() -> Characters:
    """A tokenizer of characters."""
    return Characters()


@pytest.fixture
def conversations() -> list[list[dict[str, Any]]]:
    """Five prompts."""
    return [[{"role": "user", "content": f"question {n}"}] for n in range(5)]
