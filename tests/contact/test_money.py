"""Kind 9: money before checks."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

RunCli = Callable[..., tuple[int, str, str]]
CHAT = "/v1/chat/completions"


def paid(endpoint: Any) -> int:
    """Answers that the provider was asked for."""
    return sum(path == CHAT for path, _, _ in endpoint.requests)


@pytest.mark.parametrize(
    ("status", "words"), [(400, "prompt_logprobs may be at most 20"), (401, "no such key")], ids=["top-k", "a key"]
)
def test_what_the_reference_refuses(
    endpoint: Any, run_cli: RunCli, command: list[object], status: int, words: str
) -> None:
    """It is found before the provider is paid, and by ``--dry-run --check``."""
    refusal = {"error": {"message": words}}
    endpoint.answer = lambda path, body: endpoint.honest(path, body) if path == CHAT else (status, refusal)
    for flags in ((), ("--dry-run", "--check")):
        code, _, error = run_cli(*command, "--topk-logprobs", 1000, *flags)
        assert code == 2
        assert words in " ".join(error.split())
    assert paid(endpoint) == 0


def test_a_tokenizer_that_cannot_be_loaded(
    endpoint: Any, run_cli: RunCli, command: list[object], tmp_path: Path
) -> None:
    """Likewise."""
    (tmp_path / "empty").mkdir()
    for flags in ((), ("--dry-run",)):
        code, _, error = run_cli(*command, "--tokenizer", tmp_path / "empty", *flags)
        assert code == 2
        assert "tokenizer" in error
    assert paid(endpoint) == 0


def test_a_reference_that_died_half_way(
    endpoint: Any, start_endpoint: Any, run_cli: RunCli, command: list[object], tmp_path: Path
) -> None:
    """The audit goes on with the same model at another URL, and pays nobody twice."""
    endpoint.answer = lambda path, body: endpoint.honest(path, body) if path == CHAT else (500, {})
    assert run_cli(*command, "--no-preflight", "--topk-logprobs", 2)[0] == 2
    back, before = start_endpoint(), paid(endpoint)
    moved = ("--reference", back.url, "--topk-logprobs", 2, "--reference-moved")
    assert run_cli("reference", tmp_path / "run", *moved)[0] == 0
    elsewhere = [back.url if at == command.index("--reference") + 1 else part for at, part in enumerate(command)]
    assert run_cli(*elsewhere, "--topk-logprobs", 2)[0] == 3
    assert paid(endpoint) == before == 2


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (['{"prompt": "q"}', '{"prompt": "q"}'], "are the same"),
        (['{"prompt": "q", "tools": []}'], "tools"),
        ([json.dumps({"prompt": "q", "messages": [{"role": "user", "content": "q"}]})], "not both"),
    ],
    ids=["a prompt twice", "tools", "prompt and messages"],
)
def test_a_prompt_file_that_is_refused(  # noqa: PLR0917  # fixtures
    endpoint: Any, run_cli: RunCli, command: list[object], tmp_path: Path, lines: list[str], words: str
) -> None:
    """By the dry run as by the audit, with the reason."""
    (tmp_path / "p.jsonl").write_text("\n".join(lines) + "\n")
    (code, _, error), real = (run_cli(*command, "--prompts", tmp_path / "p.jsonl", *f) for f in (("--dry-run",), ()))
    assert (code, error) == (real[0], real[2])
    assert code == 2
    assert words in error
    assert endpoint.requests == []
