"""Caches written by rollouts 0.1.11, as ``data/old_cache`` holds them: read, and left as they are."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from token_difr.errors import InputError
from token_difr.rollouts import RolloutsClient
from token_difr.testing.faulty_provider import FaultyProvider

DATA = Path(__file__).with_name("data") / "old_cache"
PROMPT = "What is 2+2?"
ROUTED: dict[str, Any] = {"temperature": 1.0, "top_k": 5, "presence_penalty": 0.5, "routing": {"only": ["x"]}}

MakeClient = Callable[..., RolloutsClient]


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A copy of the cache."""
    return Path(shutil.copytree(DATA, tmp_path / "old"))


def digests(folder: Path) -> dict[str, str]:
    """Every file's content."""
    files = [file for file in folder.rglob("*") if file.is_file()]
    return {str(file): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


@pytest.mark.parametrize(("model", "number"), [("org/model", 0), ("org/sql-model", 100)])
def test_both_kinds_are_read(
    provider: FaultyProvider, make_client: MakeClient, old: Path, model: str, number: int
) -> None:
    """Files and databases; what they lack is asked for, and they are not touched."""
    before = digests(old)
    drawn = make_client(provider.url, model, service="openrouter", old_cache=old).generate(PROMPT, 3)
    assert [r.content for r in drawn][:2] == [f"old answer {number}", f"old answer {number + 1}"]
    assert [r.cached for r in drawn] == [True, True, False]
    assert (drawn[0].reasoning, drawn[0].completed_reasoning) == (f"old thought {number}", True)
    assert drawn[0].usage.total_tokens == 14
    assert digests(old) == before


@pytest.mark.parametrize(("model", "number"), [("org/model", 20), ("org/sql-model", 120)])
def test_all_of_the_old_key(
    provider: FaultyProvider, make_client: MakeClient, old: Path, model: str, number: int
) -> None:
    """Top-k, penalties and routing are in the old key; 1.0 was written as 1 where the user wrote 1."""
    client = make_client(provider.url, model, service="openrouter", old_cache=old)
    assert client.generate(PROMPT, **ROUTED)[0].content == f"old answer {number}"
    assert not client.generate(PROMPT, **{**ROUTED, "top_k": 6})[0].cached


def test_message_lists(provider: FaultyProvider, make_client: MakeClient, old: Path) -> None:
    """They have a key of their own."""
    messages = [{"role": "user", "content": PROMPT}]
    assert (
        make_client(provider.url, "org/model", service="openrouter", old_cache=old).generate(messages)[0].content
        == "old answer 10"
    )


@pytest.mark.parametrize("changes", [{"stop": "x"}, {"min_p": 0.1}, {"reasoning": {"effort": "low"}}, {"field": 1}])
def test_what_the_old_key_leaves_out(
    provider: FaultyProvider, make_client: MakeClient, old: Path, changes: dict[str, Any]
) -> None:
    """A request with such a field is never answered from there."""
    assert (
        not make_client(provider.url, "org/model", service="openrouter", old_cache=old)
        .generate(PROMPT, **changes)[0]
        .cached
    )


def test_torn_and_failed_entries(provider: FaultyProvider, make_client: MakeClient, old: Path) -> None:
    """A file that a crash tore, and an answer that was an error, are no answers."""
    first, second = sorted((old / "org-model" / "t0.7_p0.95_tok4096" / "52c").rglob("*.json"))
    first.write_text(first.read_text()[:100])
    entry = json.loads(second.read_text())
    entry["response"]["finish_reason"] = "error"
    second.write_text(json.dumps(entry))
    assert not any(
        r.cached
        for r in make_client(provider.url, "org/model", service="openrouter", old_cache=old).generate(PROMPT, 2)
    )


@pytest.mark.parametrize("changes", [{"service": "vllm"}, {"logprobs": 1}])
def test_requests_that_package_never_made(
    provider: FaultyProvider, make_client: MakeClient, old: Path, changes: dict[str, Any]
) -> None:
    """Answers of OpenRouter's chat endpoint are no answers of another server, and have no logprobs."""
    client = make_client(provider.url, "org/model", **{"service": "openrouter", "old_cache": old, **changes})
    assert not any(response.cached for response in client.generate_many([PROMPT])[0])
    assert sum(provider.asked.values()) == 1


def test_top_k_of_forty(provider: FaultyProvider, make_client: MakeClient, old: Path) -> None:
    """The files write it like none: nothing there answers it."""
    client = make_client(provider.url, "org/model", service="openrouter", old_cache=old)
    assert not client.generate(PROMPT, top_k=40)[0].cached


def test_a_database_of_another_kind(provider: FaultyProvider, make_client: MakeClient, old: Path) -> None:
    """It is named."""
    (old / "org-model.db").write_bytes(b"no database at all" * 99)
    with pytest.raises(InputError, match="another kind"):
        make_client(provider.url, "org/model", service="openrouter", old_cache=old).generate("else?")


def test_no_such_folder(provider: FaultyProvider, make_client: MakeClient, tmp_path: Path) -> None:
    """It is named before anything is sent."""
    with pytest.raises(InputError, match="no old cache"):
        make_client(provider.url, old_cache=tmp_path / "nothing").generate(PROMPT)
    assert not provider.asked


def test_not_read_unless_named(provider: FaultyProvider, make_client: MakeClient, old: Path) -> None:
    """The same folder as ``cache_dir`` alone is not searched for old answers."""
    assert not make_client(provider.url, "org/model", cache_dir=old).generate(PROMPT)[0].cached
