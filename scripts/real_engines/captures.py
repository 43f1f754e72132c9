"""The requests of tests/captures, asked of the running engines anew."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from pathlib import Path

from real_engines.environments import ROOT

__all__ = ["capture"]

CAPTURES = ROOT / "tests" / "captures" / "data"
ASKED = {"vllm": "vLLM", "llamacpp": "llama.cpp F16"}
"""Which engine the first word of a file's name stands for."""


def capture(urls: dict[str, str], folder: Path) -> str:
    """Writes a file for each of tests/captures, with what the engine answers today; says in a line how many."""
    folder.mkdir(parents=True, exist_ok=True)
    files = sorted(CAPTURES.glob("*.json"))
    for file in files:
        record = json.loads(file.read_text(encoding="utf-8"))
        root = urls[ASKED[file.name.partition("-")[0]]].removesuffix("/v1")
        record["status"], text = _post(root + record["request"]["path"], record["request"]["body"])
        record["answer"] = text if text.startswith("data:") else json.loads(text)
        (folder / file.name).write_text(json.dumps(record, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return f"{len(files)} answers written to {folder}"


def _post(url: str, body: object) -> tuple[int, str]:
    asked = urllib.request.Request(  # noqa: S310 - a URL of this machine
        url, json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(asked, timeout=600) as answer:  # noqa: S310
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
