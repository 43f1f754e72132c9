"""What every script of a client says of itself: one thing after the other, and what came of each.

The environment variables ``SERVER_URL`` and ``SCRIPTED_URL`` name the server of the demo and that of the models that say one
text, without ``/v1``; ``RESULTS`` names the file that the results go to. Standard output is the client's own.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

__all__ = ["ASKED", "CITY", "SCRIPTED_V1", "SERVER", "TOOL", "V1", "expect", "expect_raises", "run_checks"]

SERVER = os.environ.get("SERVER_URL", "")
V1 = f"{SERVER}/v1"
SCRIPTED_V1 = f"{os.environ.get('SCRIPTED_URL', '')}/v1"
ASKED: list[Any] = [{"role": "user", "content": "What does str.join do?"}]
CITY = "Paris"
TOOL: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "Weather",
        "description": "The weather of a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
"""The function that the scripted models call, for the city ``CITY``."""
_LENGTH = 300


class UnexpectedError(Exception):
    """A client came back with something else than it should."""


def expect(held: object, said: object) -> None:
    """Raises UnexpectedError with what is ``said`` unless it held."""
    if not held:
        raise UnexpectedError(str(said))


def expect_raises(kind: type[Exception], call: Callable[[], object], *words: str) -> Exception:
    """The error of a call, which must be of the kind and say the words."""
    try:
        got = call()
    except kind as error:
        missing = [word for word in words if word not in str(error)]
        expect(not missing, f"{type(error).__name__} does not say {missing}: {error}")
        return error
    raise UnexpectedError(f"{got!r} in place of {kind.__name__}")


def run_checks(checks: Mapping[str, Callable[[], object]]) -> None:
    """Runs each check and writes what came of it; what a check returns stands beside it, as JSON."""
    results = []
    for name, check in checks.items():
        failure, told = None, None
        try:
            told = check()
        except Exception as error:  # noqa: BLE001 - whatever a client raises is the result
            failure = " ".join(f"{type(error).__name__}: {error}".split())[:_LENGTH]
        results.append({"name": name, "failure": failure, "told": told})
    Path(os.environ["RESULTS"]).write_text(json.dumps(results), encoding="utf-8")
