"""The demo model behind a server, and sequences that it is asked about."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from token_difr.records import TokenSequence
from token_difr.sequences import load_tokenizer
from token_difr.server import ModelService, ServerSettings
from token_difr.server.listening import running
from token_difr.server.model.folder import DEMO

TEXTS = (
    ("The method returns", " a new list of the items, sorted."),
    ("A naïve 🎉 test of", " several 語言 characters — and 🎉🎊 more."),
    ("x", "\n\n    def f(self):\n        return None"),
)


@pytest.fixture(scope="session")
def demo_url() -> Iterator[str]:
    """Base URL of a running server on the demo model."""
    with running(ModelService(ServerSettings(model=DEMO))) as address:
        yield address


@pytest.fixture(scope="session")
def demo_tokenizer() -> Any:
    """The demo model's tokenizer."""
    return load_tokenizer("demo")


@pytest.fixture(scope="session")
def demo_sequences(demo_tokenizer: Any) -> list[TokenSequence]:
    """Prompts and outputs, multi-byte characters among them, as the tokenizer splits each part."""
    encode = demo_tokenizer.backend_tokenizer.encode
    return [
        TokenSequence(encode(prompt, add_special_tokens=True).ids, encode(output, add_special_tokens=False).ids)
        for prompt, output in TEXTS
    ]
