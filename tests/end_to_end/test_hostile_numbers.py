"""Numbers that no provider can mean stop neither an audit nor samples, and reach no report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from token_difr import cli
from token_difr.report import FORMS, render
from token_difr.rollouts import RolloutsClient
from token_difr.run import RunDirectory
from token_difr.run.audit import audit

PROMPTS = [[{"role": "user", "content": f"question {n}"}] for n in range(2)]
NUMBERS = {
    "4,300 nines": "9" * 4300,
    "5,000 nines": "9" * 5000,
    "10**400": "1" + "0" * 400,
    "a float beyond floats": "1e999",
    "true": "true",
    "negative": "-7",
    "text": '"7"',
    "NaN": "NaN",
    "lowest float32": "-3.4028234663852886e38",
    "an object": '{"a": [1]}',
}


def stating(endpoint: Any, number: str) -> None:
    """Let ``endpoint`` write ``number`` wherever a number of an answer stands."""

    def answer(path: str, body: dict[str, Any]) -> tuple[int, Any]:
        if not path.endswith("/chat/completions"):
            return endpoint.honest(path, body)  # type: ignore[no-any-return]
        token = {"token": "A", "logprob": "NUMBER", "token_id": "NUMBER", "text_offset": "NUMBER"}
        chat = endpoint.chat("A")
        chat["choices"][0]["logprobs"] = {"content": [{**token, "top_logprobs": [token]}]}
        names = ("prompt_tokens", "completion_tokens", "total_tokens", "reasoning_tokens", "cost")
        chat |= {"usage": dict.fromkeys(names, "NUMBER"), "created": "NUMBER", "extra": ["NUMBER"]}
        return 200, json.dumps(chat).replace('"NUMBER"', number).encode()

    endpoint.answer = answer


@pytest.mark.parametrize("number", NUMBERS.values(), ids=NUMBERS)
def test_audits(endpoint: Any, tmp_path: Path, number: str) -> None:
    """Every report is made, and holds no number of that length."""
    stating(endpoint, number)
    url = endpoint.url
    run = audit(
        PROMPTS,
        provider=url,
        model="m",
        reference=url,
        tokenizer="demo",
        out=tmp_path / "run",
        provider_logprobs=True,
        progress=False,
    )
    with RunDirectory.read(run.path) as stored:
        assert {(each.prompt_tokens, each.completion_tokens, each.content) for each in stored.responses().values()} == {
            (None, None, "A")
        }
    for form in FORMS:
        assert "9" * 100 not in render(run.report, form)
        assert "0" * 100 not in render(run.report, form)


@pytest.mark.parametrize("number", NUMBERS.values(), ids=NUMBERS)
def test_samples(endpoint: Any, tmp_path: Path, number: str) -> None:
    """What is asked for without logprobs is given, from the cache too, and costs what is known."""
    stating(endpoint, number)
    with RolloutsClient("m", provider=endpoint.url, cache_dir=tmp_path, progress_bar=False) as client:
        for _ in range(2):
            (response,) = client.generate("why?").responses
            assert (response.content, response.usage.prompt_tokens, response.created) == ("A", 0, 0)
        assert client.budget.spent_usd == 0


@pytest.mark.parametrize("number", [NUMBERS["4,300 nines"], NUMBERS["10**400"]], ids=len)
def test_the_command_line(
    endpoint: Any, tmp_path: Path, number: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A verdict, not a fault of ours."""
    stating(endpoint, number)
    monkeypatch.chdir(tmp_path)
    Path("prompts.txt").write_text("why?\nhow?\n")
    sides = ["--provider", endpoint.url, "--reference", endpoint.url, "--model", "m", "--tokenizer", "demo"]
    with pytest.raises(SystemExit) as left:
        cli.main(["audit", *sides, "--prompts", "prompts.txt", "--out", "run"])
    assert left.value.code == 3
    assert number[:50] not in capsys.readouterr().out
