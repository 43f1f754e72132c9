"""The one token that each side is asked for before anything is paid: what would end an audit half way ends it there."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from token_difr.cli import main
from token_difr.errors import AuthenticationError, EndpointError, InputError, UnknownModelError
from token_difr.records import Audit
from token_difr.run.audit import aaudit, audit
from token_difr.run.preflight import outstanding, run_preflight
from token_difr.run.sides import opened_sides

CHAT, COMPLETIONS = "/v1/chat/completions", "/v1/completions"
Answer = Callable[[str, dict[str, Any]], tuple[int, Any]]


def arguments(endpoint: Any, out: Path, **changes: Any) -> dict[str, Any]:
    """An audit with ``endpoint`` as both sides."""
    given = {"provider": endpoint.url, "model": "m", "reference": endpoint.url, "out": out}
    return {**given, "max_tokens": 30, "progress": False, **changes}


def refusing(endpoint: Any, path: str, status: int, error: Any) -> Answer:
    """What the endpoint answers if it refuses one of its two routes."""
    return lambda asked, body: (status, {"error": error}) if asked == path else endpoint.honest(asked, body)


def reading_others(endpoint: Any) -> Answer:
    """A reference that reads a token more than it is sent, as one that puts its own BOS in front of ids."""

    def answer(path: str, body: dict[str, Any]) -> tuple[int, Any]:
        sent = {**body, "prompt": [7, 7, *body["prompt"]]} if path == COMPLETIONS else body
        return int(endpoint.honest(path, sent)[0]), endpoint.honest(path, sent)[1]

    return answer


def without_rows(endpoint: Any) -> Answer:
    """A reference that leaves the logprobs out."""

    def answer(path: str, body: dict[str, Any]) -> tuple[int, Any]:
        status, content = endpoint.honest(path, body)
        for choice in content["choices"] if path == COMPLETIONS else ():
            choice["prompt_logprobs"] = None
        return status, content

    return answer


FAULTS: dict[str, tuple[Callable[[Any], Answer], type[EndpointError], str]] = {
    "the reference's key": (
        lambda fake: refusing(fake, COMPLETIONS, 401, {"message": "no such key"}),
        AuthenticationError,
        "key",
    ),
    "the reference's model": (
        lambda fake: refusing(fake, COMPLETIONS, 404, {"message": "The model 'm' does not exist"}),
        UnknownModelError,
        "'m'",
    ),
    "as many logprobs as it gives": (
        lambda fake: refusing(fake, COMPLETIONS, 400, {"message": "prompt_logprobs may be at most 5"}),
        EndpointError,
        "at most 5",
    ),
    "a reference that reads other tokens": (reading_others, EndpointError, "tokens"),
    "a reference without logprobs": (without_rows, EndpointError, "logprobs"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_the_reference_costs_nothing(
    fault: str, endpoint: Any, characters: Any, conversations: list[Any], tmp_path: Path
) -> None:
    """It is told before the provider is asked for anything, and no run directory is bound to it."""
    answer, kind, words = FAULTS[fault]
    endpoint.answer = answer(endpoint)
    with pytest.raises(kind, match=words):
        audit(conversations, **arguments(endpoint, tmp_path / "run", tokenizer=characters))
    assert {path for path, _, _ in endpoint.requests} == {COMPLETIONS}
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (401, {"message": "no such key"}, AuthenticationError),
        (404, {"message": "The model 'm' does not exist"}, UnknownModelError),
        (400, {"message": "temperature is not supported"}, EndpointError),
    ],
)
def test_a_fault_of_the_provider_is_met_once(  # noqa: PLR0917  # fixtures
    status: int,
    error: Any,
    kind: type[EndpointError],
    endpoint: Any,
    characters: Any,
    conversations: list[Any],
    tmp_path: Path,
) -> None:
    """One request of one token, and no run directory."""
    endpoint.answer = refusing(endpoint, CHAT, status, error)
    with pytest.raises(kind):
        audit(conversations, **arguments(endpoint, tmp_path / "run", tokenizer=characters))
    assert [body["max_tokens"] for path, body, _ in endpoint.requests if path == CHAT] == [1]
    assert not (tmp_path / "run").exists()


def test_it_asks_as_the_audit_does(endpoint: Any, characters: Any, tmp_path: Path) -> None:
    """One request a side, by the shortest prompt; but for ``max_tokens`` the provider's is that of the audit."""
    prompts = [[{"role": "user", "content": text}] for text in ("a longer question", "short", "another question")]
    audit(prompts, **arguments(endpoint, tmp_path / "run", tokenizer=characters))
    (first, *others) = [body for path, body, _ in endpoint.requests if path == CHAT]
    (read, *rows) = [body for path, body, _ in endpoint.requests if path == COMPLETIONS]
    assert first["messages"] == prompts[1]
    assert first["max_tokens"] == 1
    assert {**first, "max_tokens": 30} in others
    assert len(others) == len(rows) == 3
    assert read["prompt_logprobs"] == rows[0]["prompt_logprobs"]


def test_only_who_has_something_to_do(endpoint: Any, characters: Any, conversations: list[Any], tmp_path: Path) -> None:
    """A finished audit asks nobody; one that lacks rows alone asks the reference alone; and it can be left out."""
    given = arguments(endpoint, tmp_path / "run", tokenizer=characters)
    endpoint.answer = refusing(endpoint, COMPLETIONS, 503, {"message": "down"})
    with pytest.raises(EndpointError):
        audit(conversations, **given, preflight=False)
    endpoint.answer, endpoint.requests[:] = endpoint.honest, []
    audit(conversations, **given)
    assert [path for path, _, _ in endpoint.requests] == [COMPLETIONS] * (1 + len(conversations))
    endpoint.requests.clear()
    audit(conversations, **given)
    assert endpoint.requests == []


def test_what_it_tells(endpoint: Any, characters: Any, conversations: list[Any], tmp_path: Path) -> None:
    """Another count of the prompt's tokens and missing ids are sentences, and the audit goes on."""

    async def told(answer: dict[str, Any]) -> list[str]:
        endpoint.answer = lambda path, body: (200, answer) if path == CHAT else endpoint.honest(path, body)
        sentences: list[str] = []
        async with opened_sides(endpoint.url, endpoint.url, "vllm", "m", characters) as (sides, rendered):
            asked = sides.asked("m", Audit().params, 30, None, None, {"service": None, "only": None, "logprobs": False})
            record = Audit(asked=asked, rendered=rendered, judged=sides.judged)
            await run_preflight(record, conversations, sides, tmp_path / "run", tell=sentences.append)
        return sentences

    whole = endpoint.chat("A")
    whole["usage"]["prompt_tokens"] = len(
        characters.encode("user:question 0<end>assistant:", add_special_tokens=False, split_special_tokens=False)
    )
    whole["choices"][0]["token_ids"] = [65]
    assert asyncio.run(told(whole)) == []
    assert ["7 prompt tokens" in sentence for sentence in asyncio.run(told(endpoint.chat("A")))] == [True, False]
    silent = endpoint.chat("A")
    del silent["usage"]
    (only,) = asyncio.run(told(silent))
    assert "no token ids" in only


def test_outstanding(endpoint: Any, characters: Any, conversations: list[Any], tmp_path: Path) -> None:
    """Everything of a new directory, nothing of a finished one; another audit's is refused."""
    run = audit(conversations, **arguments(endpoint, tmp_path / "run", tokenizer=characters))
    assert outstanding(tmp_path / "new", run.audit, conversations) == ((0, 1, 2, 3, 4), (0, 1, 2, 3, 4))
    assert outstanding(run.path, run.audit, conversations) == ((), ())
    with pytest.raises(InputError, match="another audit"):
        asyncio.run(aaudit(conversations[:3], **arguments(endpoint, run.path, tokenizer=characters)))


class TestCommandLine:
    """``--dry-run --check`` and ``--no-preflight``."""

    @pytest.fixture
    def run_cli(self, endpoint: Any, tmp_path: Path, capsys: Any) -> Callable[..., tuple[int, str, str]]:
        """Runs an audit of two prompts in this process: exit code, standard output, standard error."""
        prompts = tmp_path / "prompts.jsonl"
        prompts.write_text("".join(json.dumps({"prompt": f"question {n}"}) + "\n" for n in range(2)))
        sides = ("--provider", endpoint.url, "--model", "m", "--reference", endpoint.url, "--tokenizer", "demo")
        given = ("audit", *sides, "--prompts", prompts, "--out", tmp_path / "run", "--max-retries", 0)

        def run(*more: object) -> tuple[int, str, str]:
            with pytest.raises(SystemExit) as exited:
                main([str(argument) for argument in (*given, *more)])
            assert isinstance(exited.value.code, int)
            return exited.value.code, *capsys.readouterr()

        return run

    def test_check(self, run_cli: Any, endpoint: Any, tmp_path: Path) -> None:
        """One request a side, what looks odd on standard error, the estimate on standard output, nothing written."""
        code, output, error = run_cli("--dry-run", "--check")
        assert code == 0
        assert "one token" in output
        assert "note: the provider counts 7 prompt tokens" in error
        assert sorted(path for path, _, _ in endpoint.requests) == sorted([CHAT, COMPLETIONS])
        assert not (tmp_path / "run").exists()

    def test_dry_without_it_sends_nothing(self, run_cli: Any, endpoint: Any) -> None:
        """A plain dry run says that it has sent nothing, which is so."""
        code, output, _ = run_cli("--dry-run")
        assert code == 0
        assert "nothing has been sent" in output
        assert endpoint.requests == []

    def test_check_fails_as_the_audit_would(self, run_cli: Any, endpoint: Any) -> None:
        """The same error, the same exit code."""
        endpoint.answer = refusing(endpoint, COMPLETIONS, 401, {"message": "no such key"})
        dry, real = run_cli("--dry-run", "--check"), run_cli()
        assert dry[0] == real[0] == 2
        assert dry[2] == real[2]

    def test_left_out(self, run_cli: Any, endpoint: Any) -> None:
        """``--no-preflight`` sends the audit's requests alone."""
        assert run_cli("--no-preflight")[0] == 3
        assert len(endpoint.requests) == 4

    @pytest.mark.parametrize("flags", [("--check",), ("--dry-run", "--check", "--no-preflight")])
    def test_what_makes_no_sense(self, flags: tuple[str, ...], run_cli: Any, endpoint: Any) -> None:
        """A check that an audit makes anyway, or that is wanted and not wanted, is a usage error."""
        assert run_cli(*flags)[0] == 2
        assert endpoint.requests == []

    def test_dry_refuses_what_the_audit_refuses(self, run_cli: Any, tmp_path: Path) -> None:
        """A prompt that comes twice, and a baseline that is no run."""
        dry, real = (run_cli("--baseline", tmp_path / "nowhere", *flags) for flags in (("--dry-run",), ()))
        assert dry[0] == real[0] == 2
        assert dry[2] == real[2]
        (tmp_path / "prompts.jsonl").write_text('{"prompt": "q"}\n{"prompt": "q"}\n')
        dry, real = run_cli("--dry-run"), run_cli()
        assert dry[0] == real[0] == 2
        assert dry[2] == real[2]
        assert "are the same" in dry[2]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ({"prompt": "q", "messages": [{"role": "user", "content": "q"}]}, "not both"),
        ({"prompt": "q", "tools": []}, "tools"),
        ({"messages": [{"role": "user", "content": "q"}], "temperature": 1, "model": "n"}, "model, temperature"),
        ({"prompt": "q", "response_format": None}, "response_format"),
        ({"prompt": "q", "chat_template_kwargs": {}}, "chat_template_kwargs"),
    ],
)
def test_fields_of_a_request_in_a_prompt_file(line: dict[str, Any], words: str, tmp_path: Path, capsys: Any) -> None:
    """What would be dropped without a word, though it changes the answer, is refused by name; an id of one's own is not."""
    file = tmp_path / "prompts.jsonl"
    file.write_text(json.dumps({"prompt": "a", "id": 1, "topic": "x", "metadata": {}}) + "\n" + json.dumps(line) + "\n")
    with pytest.raises(SystemExit) as exited:
        main(
            [
                "collect",
                "--provider",
                "http://127.0.0.1:9",
                "--model",
                "m",
                "--prompts",
                str(file),
                "--out",
                "x",
                "--dry-run",
            ]
        )
    assert exited.value.code == 2
    error = capsys.readouterr().err
    assert "line 2" in error
    assert words in error
