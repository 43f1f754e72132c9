"""What the tests of the old names share: a tokenizer as old scripts use one, Fireworks' dialect, and the demo's server."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from token_difr.server import ModelService, ServerSettings
from token_difr.server.listening import running
from token_difr.server.model.folder import DEMO


class PlainTokenizer:
    """One token a character, with the two methods, and the arguments, that token-difr 0.1 uses of a tokenizer."""

    def apply_chat_template(self, conversation: Any, *, tokenize: bool, add_generation_prompt: bool) -> str:
        """``role:content;`` a message, then ``assistant:``."""
        assert not tokenize
        assert add_generation_prompt
        return "".join(f"{message['role']}:{message['content']};" for message in conversation) + "assistant:"

    def encode(self, text: str, *, add_special_tokens: bool) -> list[int]:
        """Code points."""
        assert not add_special_tokens
        return [ord(character) for character in text]


@pytest.fixture
def plain() -> PlainTokenizer:
    """A tokenizer of characters."""
    return PlainTokenizer()


def content_row(token: int, top: list[tuple[int, float]], logprob: float = -0.25) -> dict[str, Any]:
    """One entry of Fireworks' ``content``."""
    entries = [{"token_id": other, "logprob": value} for other, value in top]
    return {"token_id": token, "logprob": logprob, "top_logprobs": entries}


@pytest.fixture
def fireworks(endpoint: Any) -> Any:
    """A fake endpoint that answers in Fireworks' dialect: the sent token on top of its row, and the next id."""

    def answer(_path: str, body: dict[str, Any]) -> tuple[int, Any]:
        rows = [content_row(token, [(token, -0.25), (token + 1, -2.0)]) for token in [*body["prompt"], 5]]
        return 200, {"choices": [{"index": 0, "text": "", "logprobs": {"content": rows}}]}

    endpoint.answer = answer
    return endpoint


Serving = Callable[..., AbstractContextManager[str]]


@pytest.fixture(scope="session")
def serving() -> Serving:
    """Makes servers on the demo model that call it by a given name; each yields its base URL."""

    @contextmanager
    def serve(name: str, **settings: Any) -> Iterator[str]:
        with running(ModelService(ServerSettings(model=DEMO, name=name, **settings))) as address:
            yield f"{address}/v1"

    return serve


@pytest.fixture(scope="session")
def peer_python() -> str:
    """The interpreter of an environment with token-difr 0.1.2, which is made once."""
    script = Path(__file__).parents[2] / "benches" / "peer_environment.py"
    # What it writes about a failure goes to the test's own error stream, which pytest shows.
    made = subprocess.run([sys.executable, script], check=True, stdout=subprocess.PIPE, text=True)
    return made.stdout.splitlines()[-1]
