"""The packaged model's folder and the demo's conversations, for whoever runs or serves it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from token_difr.server.model.folder import DEMO, ModelFolder

__all__ = ["folder", "questions"]


@pytest.fixture(scope="session")
def folder() -> ModelFolder:
    """The packaged model's folder."""
    return ModelFolder.open(DEMO)


@pytest.fixture(scope="session")
def questions(folder: ModelFolder) -> list[list[dict[str, Any]]]:
    """The demo's conversations."""
    lines = (folder.path.parent / "prompts.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["messages"] for line in lines]
