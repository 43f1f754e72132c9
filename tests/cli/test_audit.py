"""``token-difr audit`` on the command line: results, exit codes, and one clear line for everything that goes wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from token_difr.demo_model import MODEL_FOLDER
from token_difr.run.manifest import read_manifest


@pytest.fixture
def prompts(tmp_path: Path) -> Path:
    """A file of three prompts."""
    file = tmp_path / "prompts.jsonl"
    file.write_text("".join(json.dumps({"prompt": f"question {n}"}) + "\n" for n in range(3)))
    return file


RunCli = Callable[..., tuple[int, str, str]]


def audit_of(endpoint: Any, prompts: Path, out: Path, /, **changes: object) -> list[object]:
    """The arguments of an audit with ``endpoint`` as both sides; None removes an option. Without the preflight's requests."""
    options: dict[str, object] = {
        "provider": endpoint.url,
        "model": "m",
        "reference": endpoint.url,
        "prompts": prompts,
        "out": out,
        "tokenizer": "demo",
        "topk_logprobs": 2,
        "max_retries": 0,
        **changes,
    }
    flags = [(f"--{name.replace('_', '-')}", value) for name, value in options.items() if value is not None]
    return ["audit", "--no-preflight", *(part for flag in flags for part in flag)]


def test_audit_without_baseline(endpoint: Any, prompts: Path, tmp_path: Path, run_cli: RunCli) -> None:
    """An audit without a baseline is inconclusive: exit 3, and JSON on standard output alone."""
    code, output, _ = run_cli(*audit_of(endpoint, prompts, tmp_path / "run"), "--json")
    assert code == 3
    report = json.loads(output)
    assert report["verdict"] == "inconclusive"
    assert report["summary"]["exact_match_rate"][0] == 1.0
    assert sorted(endpoint.tags()) == sorted(f"{stage}-{n}" for stage in ("collect", "reference") for n in range(3))


def test_reference_in_this_process(endpoint: Any, prompts: Path, tmp_path: Path, run_cli: RunCli) -> None:
    """A model's folder in the place of the reference's URL: nothing but the provider is asked; the same command goes on."""
    for folder in (MODEL_FOLDER, "demo"):
        endpoint.requests.clear()
        arguments = audit_of(endpoint, prompts, tmp_path / Path(folder).name, reference=folder)
        code, output, _ = run_cli(*arguments, "--json")
        report = json.loads(output)
        assert (code, report["summary"]["sequences"]) == (3, 3)
        assert report["audit"]["judged"] | {"model": ""} == {
            "reference": None, "model": "", "dialect": "local", "topk_logprobs": 2,
        }  # fmt: skip
        assert sorted(endpoint.tags()) == [f"collect-{n}" for n in range(3)]
        assert run_cli(*arguments, "--json") == (code, output, run_cli(*arguments, "--json")[2])


@pytest.mark.parametrize("reference", ["no-such-folder", "model.gguf", "demo://x", ""])
def test_reference_that_is_neither_a_url_nor_a_model(
    reference: str, endpoint: Any, prompts: Path, tmp_path: Path, run_cli: RunCli
) -> None:
    """What names no model that is there is taken for a URL, and refused before anything is asked."""
    code, _, error = run_cli(*audit_of(endpoint, prompts, tmp_path / "run", reference=reference))
    assert (code, endpoint.requests) == (2, [])
    assert "URL" in error


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"reference_model": "m"}, "is run here"),
        ({"reference_dialect": "sglang"}, "is run here"),
        ({"reference_key_env": "KEY"}, "is run here"),
        ({"topk_logprobs": 5000}, "has 2048 tokens"),
    ],
)
@pytest.mark.filterwarnings("ignore:local gives at most")
def test_options_of_a_server_beside_a_model(  # noqa: PLR0917 - a table
    options: dict[str, object], said: str, endpoint: Any, prompts: Path, tmp_path: Path, run_cli: RunCli
) -> None:
    """What a model that is run here does not have is refused, not passed over."""
    code, _, error = run_cli(*audit_of(endpoint, prompts, tmp_path / "run", reference="demo", **options))
    assert (code, endpoint.requests) == (2, [])
    assert said in error


def test_finished_audit_sends_nothing(endpoint: Any, prompts: Path, tmp_path: Path, run_cli: RunCli) -> None:
    """The same command again gives the same figures from what is there."""
    first = run_cli(*audit_of(endpoint, prompts, tmp_path / "run"), "--json")
    endpoint.requests.clear()
    assert run_cli(*audit_of(endpoint, prompts, tmp_path / "run"), "--json") == first
    assert endpoint.requests == []


def test_stages_one_by_one(endpoint: Any, prompts: Path, tmp_path: Path, run_cli: RunCli) -> None:
    """collect, tokenize and reference fill the same directory as an audit does."""
    run, whole = tmp_path / "run", tmp_path / "whole"
    collect = ("collect", "--provider", endpoint.url, "--model", "m", "--prompts", prompts, "--out", run)
    assert run_cli(*collect, "--quiet") == (0, "", "")
    assert run_cli("tokenize", run, "--tokenizer", "demo", "--quiet") == (0, "", "")
    reference = ("reference", run, "--reference", endpoint.url, "--topk-logprobs", 2)
    assert run_cli(*reference, "--quiet") == (0, "", "")
    endpoint.requests.clear()
    assert run_cli(*audit_of(endpoint, prompts, run))[0] == 3
    assert endpoint.requests == []
    run_cli(*audit_of(endpoint, prompts, whole))
    assert read_manifest(run).audit == read_manifest(whole).audit
    for name in ("sequences.jsonl", "rows.jsonl"):
        assert sorted((run / name).read_bytes().splitlines()) == sorted((whole / name).read_bytes().splitlines())


def test_stages_out_of_order(endpoint: Any, prompts: Path, tmp_path: Path, run_cli: RunCli) -> None:
    """A stage whose input is missing names the stage to run first."""
    run = tmp_path / "run"
    endpoint.answer = lambda path, body: (
        (500, {}) if body["messages"][-1]["content"] == "question 1" else endpoint.honest(path, body)
    )
    collect = ("collect", "--provider", endpoint.url, "--model", "m", "--prompts", prompts, "--out", run)
    code, _, error = run_cli(*collect, "--max-retries", 0)
    assert code == 2
    assert "1 of 3 requests failed" in error
    code, _, error = run_cli("tokenize", run, "--tokenizer", "demo")
    assert code == 2
    assert error == f"token-difr: {run} lacks the answers of 1 of 3 prompts: collect first\n"
    code, _, error = run_cli("reference", run, "--reference", endpoint.url)
    assert code == 2
    assert "tokenize first" in error


def test_dry_run(endpoint: Any, prompts: Path, tmp_path: Path, run_cli: RunCli) -> None:
    """--dry-run prints requests, tokens and cost, sends nothing and writes nothing; a started run counts the rest."""
    arguments = audit_of(endpoint, prompts, tmp_path / "run", max_tokens=50, price_input=1000, price_output=2000)
    code, output, _ = run_cli(*arguments, "--dry-run", "--json")
    assert code == 0
    figures = json.loads(output)
    tokens = figures["provider"]["prompt_tokens"]
    assert tokens > 9
    assert figures == {
        "provider": {
            "requests": 3,
            "prompt_tokens": tokens,
            "max_output_tokens": 150,
            "max_cost": pytest.approx((tokens * 1000 + 150 * 2000) / 1e6),
        },
        "reference": {"requests": 3, "prompt_tokens": tokens + 150, "max_output_tokens": 3, "max_cost": None},
        "repair": {"requests": 20},
    }
    assert "reference: up to 20 more requests for repair" in run_cli(*arguments, "--dry-run")[1]
    assert "up to 5 more" in run_cli(*arguments, "--dry-run", "--repair-requests", 5)[1]
    assert "repair" not in run_cli(*arguments, "--dry-run", "--no-repair")[1]
    assert endpoint.requests == []
    assert not (tmp_path / "run").exists()
    run_cli(*arguments)
    code, output, _ = run_cli(*arguments, "--dry-run")
    assert code == 0
    assert "provider: 0 requests, 0 prompt tokens" in output
    assert "provider: costs at most 0.0000" in output


@pytest.mark.parametrize(
    ("prices", "words"),
    [
        ({"price_input": 1}, "provider: cost unknown: it takes --price-input and --price-output"),
        ({"price_output": 1}, "provider: cost unknown: it takes --price-input and --price-output"),
        ({"price_input": 1, "price_output": 1}, "provider: cost unknown: without a tokenizer"),
        ({}, None),
    ],
)
def test_dry_run_says_what_the_cost_lacks(  # noqa: PLR0917  # fixtures
    endpoint: Any, prompts: Path, tmp_path: Path, run_cli: RunCli, prices: dict[str, object], words: str | None
) -> None:
    """A price that comes to no cost is not passed over in silence."""
    options = {"provider": endpoint.url, "model": "m", "prompts": prompts, "out": tmp_path / "run", **prices}
    flags = [part for name, value in options.items() for part in (f"--{name.replace('_', '-')}", value)]
    code, output, _ = run_cli("collect", *flags, "--dry-run")
    assert code == 0
    assert words in output if words else "cost" not in output


def failing(endpoint: Any, path: str, status: int, answer: Any) -> None:
    endpoint.answer = lambda asked, body: (status, answer) if asked == path else endpoint.honest(asked, body)


def with_completion(endpoint: Any, change: Callable[[dict[str, Any]], object]) -> None:
    def answer(path: str, body: dict[str, Any]) -> tuple[int, Any]:
        status, content = endpoint.honest(path, body)
        if path == "/v1/completions":
            change(content["choices"][0])
        return status, content

    endpoint.answer = answer


Misbehave = Callable[[Any], object]
UNKNOWN_MODEL = {"error": {"message": "The model `m` does not exist.", "code": "model_not_found"}}


@pytest.mark.parametrize(
    ("misbehave", "words"),
    [
        (
            lambda e: failing(e, "/v1/chat/completions", 401, {"error": {"message": "bad key"}}),
            "refused the key (HTTP 401)",
        ),
        (lambda e: failing(e, "/v1/completions", 401, {"error": {"message": "bad key"}}), "refused the key (HTTP 401)"),
        (lambda e: failing(e, "/v1/chat/completions", 404, UNKNOWN_MODEL), "does not serve the model 'm'"),
        (lambda e: failing(e, "/v1/completions", 404, UNKNOWN_MODEL), "does not serve the model 'm'"),
        (lambda e: failing(e, "/v1/chat/completions", 500, {}), "3 of 3 requests failed"),
        (lambda e: failing(e, "/v1/chat/completions", 200, {"error": "busy"}), "HTTP 200 with an error inside: busy"),
        (lambda e: failing(e, "/v1/chat/completions", 200, b"<html>"), "not JSON"),
        (lambda e: with_completion(e, lambda c: c["prompt_logprobs"].pop()), "rows for"),
        (lambda e: with_completion(e, lambda c: c["prompt_token_ids"].reverse()), "other tokens than those sent"),
        (
            lambda e: with_completion(e, lambda c: c["prompt_logprobs"].__setitem__(-1, {"7": {"logprob": -1.0}})),
            "is for another token: it lacks the id",
        ),
    ],
)
def test_endpoint_that_fails(  # noqa: PLR0917  # fixtures
    endpoint: Any, prompts: Path, tmp_path: Path, run_cli: RunCli, misbehave: Misbehave, words: str
) -> None:
    """Each failure of an endpoint is one line that names it, and exit 2; once it is mended the audit goes on."""
    misbehave(endpoint)
    code, output, error = run_cli(*audit_of(endpoint, prompts, tmp_path / "run"))
    assert (code, output) == (2, "")
    assert error.startswith("token-difr: ")
    assert error.count("\n") == 1
    assert words in error
    assert endpoint.url in error
    endpoint.answer = endpoint.honest
    assert run_cli(*audit_of(endpoint, prompts, tmp_path / "run"))[0] == 3


def test_text_of_an_endpoint_is_escaped(endpoint: Any, prompts: Path, tmp_path: Path, run_cli: RunCli) -> None:
    """What an endpoint sends in place of ids reaches the terminal on one line, without control characters, bounded."""
    with_completion(endpoint, lambda c: c["prompt_token_ids"].__setitem__(0, "\x1b[2J\u202e\n" * 9999))
    code, _, error = run_cli(*audit_of(endpoint, prompts, tmp_path / "run"))
    assert code == 2
    assert error.endswith("\n")
    assert error[:-1].isprintable()
    assert len(error) < 2100


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"prompts": "no-such-file"}, "there is no prompt file no-such-file"),
        ({"provider": "http://127.0.0.1:9"}, "cannot reach http://127.0.0.1:9/v1"),
        ({"reference": "http://127.0.0.1:9"}, "cannot reach http://127.0.0.1:9/v1"),
        ({"provider": "127.0.0.1:9"}, "not an http or https URL"),
        ({"reference": "https://host.example"}, "no key for host.example"),
        ({"provider_key_env": "NO_SUCH_VARIABLE"}, "NO_SUCH_VARIABLE"),
        ({"tokenizer": "/no/such/folder"}, "no tokenizer folder /no/such/folder"),
        ({"reference_dialect": "morse"}, "no reference dialect 'morse'"),
        ({"baseline": "/no/such/run"}, "/no/such/run is not a run directory"),
        ({"top_p": 2}, "top_p must lie in (0, 1]"),
    ],
)
def test_bad_input(  # noqa: PLR0917  # fixtures
    endpoint: Any, prompts: Path, tmp_path: Path, run_cli: RunCli, changes: dict[str, object], words: str
) -> None:
    """Each bad input is one line and exit 2; where an audit stands already, nothing of it is written over."""
    code, output, error = run_cli(*audit_of(endpoint, prompts, tmp_path / "run", **changes))
    assert (code, output) == (2, "")
    assert error.startswith("token-difr: ")
    assert error.count("\n") == 1
    assert words in error
    assert run_cli(*audit_of(endpoint, prompts, tmp_path / "finished"))[0] == 3
    before = {file.name: file.read_bytes() for file in (tmp_path / "finished").iterdir()}
    endpoint.requests.clear()
    assert run_cli(*audit_of(endpoint, prompts, tmp_path / "finished", **changes))[0] == 2
    assert {file.name: file.read_bytes() for file in (tmp_path / "finished").iterdir()} == before
    assert endpoint.requests == []


def test_prompt_without_user_message(endpoint: Any, tmp_path: Path, run_cli: RunCli) -> None:
    """A conversation that nobody began is refused with its line, before anything is sent or written."""
    file = tmp_path / "prompts.jsonl"
    file.write_text('"fine"\n{"messages": [{"role": "system", "content": "s"}]}\n')
    code, _, error = run_cli(*audit_of(endpoint, file, tmp_path / "run"))
    assert code == 2
    assert error == f"token-difr: {file}, line 2: the conversation has no user message\n"
    assert endpoint.requests == []
    assert not (tmp_path / "run").exists()


def test_directory_of_another_audit(endpoint: Any, prompts: Path, tmp_path: Path, run_cli: RunCli) -> None:
    """A run directory of another audit is named with what differs; it stays as it was."""
    run_cli(*audit_of(endpoint, prompts, tmp_path / "run"))
    before = {file.name: file.read_bytes() for file in (tmp_path / "run").iterdir()}
    endpoint.requests.clear()
    for changes in ({"model": "n"}, {"max_tokens": 7}, {"tokenizer": str(tmp_path)}, {"topk_logprobs": 3}):
        code, output, error = run_cli(*audit_of(endpoint, prompts, tmp_path / "run", **changes))
        assert (code, output) == (2, "")
        assert error.count("\n") == 1
        if "tokenizer" not in changes:
            assert (
                f"belongs to another audit; it differs in {'judged' if 'topk_logprobs' in changes else 'asked'}.{next(iter(changes))}"
                in error
            )
    assert {file.name: file.read_bytes() for file in (tmp_path / "run").iterdir()} == before
    assert endpoint.requests == []


def test_wrong_usage(run_cli: RunCli) -> None:
    """A missing option exits with 2; --help lists the verbs."""
    assert run_cli("audit")[0] == 2
    code, output, _ = run_cli("--help")
    assert code == 0
    for verb in ("audit", "collect", "tokenize", "reference"):
        assert verb in output


def test_key_stays_secret(
    endpoint: Any, prompts: Path, tmp_path: Path, run_cli: RunCli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key reaches its endpoint and nothing else: no file, no message."""
    monkeypatch.setenv("MY_KEY", "sk-secret")
    failing(endpoint, "/v1/completions", 403, {"error": {"message": "sk-secret is not welcome"}})
    arguments = audit_of(endpoint, prompts, tmp_path / "run", provider_key_env="MY_KEY", reference_key_env="MY_KEY")
    code, output, error = run_cli(*arguments)
    assert code == 2
    assert endpoint.requests[0][2]["authorization"] == "Bearer sk-secret"
    written = b"".join(file.read_bytes() for file in (tmp_path / "run").iterdir())
    assert "sk-secret" not in output + error
    assert b"sk-secret" not in written


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n", " "])
def test_key_with_white_space_stays_secret(  # noqa: PLR0917  # fixtures
    endpoint: Any, prompts: Path, tmp_path: Path, run_cli: RunCli, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    """A key from a file with other line ends is sent without them; one that no header can hold is not shown."""
    monkeypatch.setenv("MY_KEY", "sk-secret" + end)
    assert run_cli(*audit_of(endpoint, prompts, tmp_path / "run", provider_key_env="MY_KEY"))[0] == 3
    assert endpoint.requests[0][2]["authorization"] == "Bearer sk-secret"
    monkeypatch.setenv("MY_KEY", "sk-secret" + end + "\u00e9")
    code, output, error = run_cli(*audit_of(endpoint, prompts, tmp_path / "other", provider_key_env="MY_KEY"))
    assert code == 2
    assert "MY_KEY" in error
    assert "sk-secret" not in output + error


@pytest.mark.parametrize("verb", ["audit", "decide"])
def test_the_level_is_told_to_whatever_judges(
    verb: str, endpoint: Any, prompts: Path, tmp_path: Path, run_cli: RunCli
) -> None:
    """It stands in the rule of the report; one out of range is refused, and nothing is sent for it."""
    asked = audit_of(endpoint, prompts, tmp_path / "run")
    if verb == "decide":
        run_cli(*asked)
        asked = ["decide", tmp_path / "run"]
    _, output, _ = run_cli(*asked, "--level", "0.05", "--json")
    assert json.loads(output)["rule"]["level"] == 0.05
    _, output, _ = run_cli("decide", tmp_path / "run", "--permutation-seed", 5, "--json")
    assert json.loads(output)["rule"]["seed"] == 5
    endpoint.requests.clear()
    code, _, error = run_cli(*asked, "--level", "1.5")
    assert code == 2
    assert "level must lie in" in error
    assert endpoint.requests == []
