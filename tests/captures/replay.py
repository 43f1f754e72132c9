"""Answers of real engines, over HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from token_difr.testing.loopback import Answer, Request, json_answer, serving

__all__ = ["TOKENIZER", "Capture", "captures", "load", "replayed"]

HERE = Path(__file__).parent
TOKENIZER = HERE / "data" / "tokenizer"


class Capture(NamedTuple):
    """One request to an engine and what came back.

    Attributes:
        asked: The request's body.
        path: Its path.
        status: The HTTP status.
        answer: A JSON document; the text of an event stream.
    """

    asked: dict[str, Any]
    path: str
    status: int
    answer: Any

    @property
    def choice(self) -> dict[str, Any]:
        """The first choice."""
        choice: dict[str, Any] = self.answer["choices"][0]
        return choice


def captures() -> list[str]:
    """All names."""
    return sorted(file.stem for file in (HERE / "data").glob("*.json"))


def load(name: str) -> Capture:
    """One of them."""
    d = json.loads((HERE / "data" / f"{name}.json").read_text("utf-8"))
    return Capture(d["request"]["body"], d["request"]["path"], d["status"], d["answer"])


@contextmanager
def replayed(name: str) -> Iterator[tuple[str, list[Request]]]:
    """Serves one capture to whatever is asked; yields the base URL, and the requests that came."""
    capture, came = load(name), list[Request]()

    def answer(request: Request) -> Answer:
        came.append(request)
        if isinstance(capture.answer, str):
            return Answer(capture.status, "text/event-stream", capture.answer.encode())
        return json_answer(capture.answer, capture.status)

    with serving(answer) as url:
        yield f"{url}/v1", came
