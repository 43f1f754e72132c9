"""``probe`` takes what every verb takes that asks a provider."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from token_difr import cli


def test_how_the_provider_is_asked(endpoint: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Filters, the service's own fields, headers, limits."""
    (tmp_path / "prompts.txt").write_text("why?\n")
    monkeypatch.setenv("MY_HEADER", "secret words")
    sides = ["--provider", endpoint.url, "--reference", endpoint.url, "--model", "m", "--tokenizer", "demo"]
    asked = ["--prompts", str(tmp_path / "prompts.txt"), "--min-p", "0.25", "--provider-service", "llama.cpp"]
    headers = ["--provider-header", "X-A=1", "--provider-header-env", "X-B=MY_HEADER"]
    with pytest.raises(SystemExit) as left:
        cli.main(["probe", *sides, *asked, *headers, "--timeout", "9", "--max-answer-mb", "1", "--quiet"])
    assert not left.value.code
    chats = [(body, sent) for path, body, sent in endpoint.requests if path.endswith("/chat/completions")]
    assert {body["min_p"] for body, _ in chats} == {0.0, 0.25}
    assert all((sent["x-a"], sent["x-b"]) == ("1", "secret words") for _, sent in chats)
    assert all("x-a" not in sent for path, _, sent in endpoint.requests if not path.endswith("/chat/completions"))
    assert "return_token_ids" not in chats[0][0]


def test_an_answer_beyond_the_limit(endpoint: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The option acts."""
    (tmp_path / "prompts.txt").write_text("why?\n")
    endpoint.answer = lambda *_: (200, endpoint.chat("x" * 20_000))
    asked = ["--provider", endpoint.url, "--model", "m", "--prompts", str(tmp_path / "prompts.txt")]
    with pytest.raises(SystemExit) as left:
        cli.main(["collect", *asked, "--out", str(tmp_path / "run"), "--max-answer-mb", "0.01"])
    assert left.value.code == 2
    assert "more than 0.01 MB" in capsys.readouterr().err
