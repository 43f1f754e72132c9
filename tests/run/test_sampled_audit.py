"""Audits at a temperature above 0: what is asked for, refused, remembered and compared."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from token_difr.answers import asks_token_ids
from token_difr.errors import InputError, SamplerError, UnreplayableError
from token_difr.records import Asked, Asking, Audit, SamplingParams, Scored, ScoreStatus, derived_seeds
from token_difr.run import RunDirectory
from token_difr.run.audit import audit
from token_difr.run.baseline import baseline_of

SEEDS = (1, 2, 3, 4, 5)


def run(endpoint: Any, characters: Any, prompts: list[Any], out: Path, **changes: Any) -> Any:
    options = {"provider": endpoint.url, "model": "m", "reference": endpoint.url, "tokenizer": characters}
    return audit(prompts, **{**options, "max_tokens": 30, "preflight": False, "progress": False, "out": out, **changes})


def sampled(seed: int | tuple[int, ...] | None, **fields: Any) -> SamplingParams:
    return SamplingParams(temperature=1.0, seed=seed, **fields)


def test_replayed(endpoint: Any, characters: Any, conversations: list[Any], tmp_path: Path) -> None:
    """With a seed a prompt and the sampler's name, every token is replayed; the run remembers by what."""
    done = run(endpoint, characters, conversations, tmp_path / "run", params=sampled(SEEDS), sampler="vllm@0.33")
    bodies = [body for path, body, _ in endpoint.requests if path.endswith("chat/completions")]
    assert sorted(body["seed"] for body in bodies) == [1, 2, 3, 4, 5]
    assert all(body["return_token_ids"] for body in bodies)
    assert ScoreStatus.UNREPLAYED not in done.scores.status
    assert done.scores.exact_match.any()
    with RunDirectory.read(done.path) as stored:
        assert stored.audit.scored == Scored(sampler="vllm@0.33", vocab_size=None)


def test_unreplayed(endpoint: Any, characters: Any, conversations: list[Any], tmp_path: Path) -> None:
    """Without a seed, or without a sampler, tokens have their surprise and no match rate."""
    for name, params in (("none", sampled(None)), ("seeds", sampled(SEEDS))):
        done = run(endpoint, characters, conversations, tmp_path / name, params=params)
        assert set(done.scores.status) == {ScoreStatus.UNREPLAYED}
        assert done.decision.summary.decided_tokens == 0
        assert "surprise_above" in done.decision.summary.statistics


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"params": sampled(1)}, InputError, "one seed for all answers"),
        ({"params": sampled((1, 2))}, InputError, "2 seeds for 5 prompts"),
        ({"params": sampled(1), "sampler": "torch-cpu@2.13"}, SamplerError, "give vocab_size"),
        ({"params": sampled(1, min_p=0.1), "sampler": "sglang@0.5.23"}, UnreplayableError, "min_p"),
        ({"params": sampled(1), "sampler": "ollama@1"}, UnreplayableError, "llama.cpp"),
    ],
)
def test_refused_before_anything_is_sent(  # noqa: PLR0917  # fixtures
    endpoint: Any,
    characters: Any,
    conversations: list[Any],
    tmp_path: Path,
    changes: Any,
    error: type[InputError],
    words: str,
) -> None:
    """What could not be scored afterwards is refused while it costs nothing."""
    with pytest.raises(error, match=words):
        run(endpoint, characters, conversations, tmp_path / "run", **changes)
    assert endpoint.requests == []


def test_other_seeds_are_another_audit(
    endpoint: Any, characters: Any, conversations: list[Any], tmp_path: Path
) -> None:
    """Answers belong to the seeds that they were asked with; the message is one line that can be read."""
    many = conversations * 40
    run(endpoint, characters, many, tmp_path / "run", params=sampled(derived_seeds(1, 200)))
    with pytest.raises(InputError, match=r"differs in asked\.seed") as refused:
        run(endpoint, characters, many, tmp_path / "run", params=sampled(derived_seeds(2, 200)))
    assert len(str(refused.value)) < 700


def test_greedy_runs_need_no_sampler(endpoint: Any, characters: Any, conversations: list[Any], tmp_path: Path) -> None:
    """Temperature 0 takes a seed that nobody uses, and asks for token ids unless told not to."""
    run(endpoint, characters, conversations, tmp_path / "a", params=SamplingParams(seed=3), token_ids=False)
    assert not any("return_token_ids" in body for _, body, _ in endpoint.requests[:5])
    endpoint.requests.clear()
    run(endpoint, characters, conversations, tmp_path / "b")
    assert all(body["return_token_ids"] for path, body, _ in endpoint.requests if path.endswith("chat/completions"))


def test_who_is_asked_for_token_ids() -> None:
    """Services that take the field at every temperature, and whoever the caller says."""
    assert asks_token_ids("http://127.0.0.1:8000", None)
    assert not asks_token_ids("https://provider.example/v1", None)
    assert asks_token_ids("https://provider.example/v1", None, service="sglang")
    assert not asks_token_ids("http://127.0.0.1:8000", None, service="llama.cpp")
    assert asks_token_ids("https://provider.example/v1", True)
    assert not asks_token_ids("http://localhost:8000", False)


def test_baselines(endpoint: Any, characters: Any, conversations: list[Any], tmp_path: Path) -> None:
    """A baseline is scored as the audit is; noise that cannot be compared is refused with what differs."""

    def baseline(name: str, params: SamplingParams, sampler: str | None) -> Path:
        path: Path = run(endpoint, characters, conversations, tmp_path / name, params=params, sampler=sampler).path
        return path

    replayed, shared = baseline("each", sampled(SEEDS), "vllm@0.33"), baseline("shared", sampled(7), "vllm@0.33")
    unreplayed = baseline("none", sampled(None), None)

    for sampler in ("vllm@0.33", "vllm@0.30"):
        found = baseline_of(replayed, record(sampled((8,) * 3), sampler), out=tmp_path)
        assert found is not None
        assert ScoreStatus.UNREPLAYED not in found.scores.status
        assert found.origin.sampler == "vllm@0.33"
    found = baseline_of(replayed, record(sampled(None), None), out=tmp_path)
    assert found is not None
    assert set(found.scores.status) == {ScoreStatus.UNREPLAYED}
    assert found.origin.sampler is None
    with pytest.raises(InputError, match=r"differs in scored\.sampler \(None, here 'vllm@0.33'\)"):
        baseline_of(unreplayed, record(sampled(1), "vllm@0.33"), out=tmp_path)
    with pytest.raises(InputError, match=r"differs in asked\.seed \(7, here None\)"):
        baseline_of(shared, record(sampled(None), None), out=tmp_path)
    with pytest.raises(InputError, match=r"differs in asked\.token_ids \(True, here False\)"):
        baseline_of(replayed, record(sampled(None), None, token_ids=False), out=tmp_path)


def test_noise_by_rank_is_its_own_kind(
    endpoint: Any, characters: Any, conversations: list[Any], tmp_path: Path
) -> None:
    """Honest runs match less where noise belongs to ranks: only another such run is a baseline for one."""
    params = sampled(1, top_k=2)
    path = run(endpoint, characters, conversations, tmp_path / "run", params=params, sampler="vllm@0.33").path
    with pytest.raises(InputError, match=r"differs in scored\.sampler"):
        baseline_of(path, record(params, "sglang@0.5.23"), out=tmp_path)


def record(params: SamplingParams, sampler: str | None, *, token_ids: bool = True) -> Audit:
    """The record of an audit like those of :func:`run`, as far as baselines are compared with it."""
    asking = Asking(token_ids=token_ids)
    asked = Asked(provider="elsewhere", model="n", params=params, max_tokens=30, asking=asking)
    return Audit(asked=asked, scored=Scored.stated(sampler, None))


RunCli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(endpoint: Any, tmp_path: Path) -> list[object]:
    """An audit of three prompts at temperature 1."""
    file = tmp_path / "prompts.jsonl"
    file.write_text("".join(json.dumps({"prompt": f"question {n}"}) + "\n" for n in range(3)))
    sides = [
        "audit",
        "--no-preflight",
        "--provider",
        endpoint.url,
        "--model",
        "m",
        "--reference",
        endpoint.url,
        "--tokenizer",
        "demo",
    ]
    return [*sides, "--prompts", file, "--out", tmp_path / "run", "--topk-logprobs", 2, "--temperature", 1, "--quiet"]


def seeds_sent(endpoint: Any) -> list[int]:
    return sorted(body["seed"] for path, body, _ in endpoint.requests if path.endswith("chat/completions"))


def test_seeds_on_the_command_line(endpoint: Any, command: list[object], run_cli: RunCli) -> None:
    """--seeds takes one number to derive from, or one a prompt; the table shows a match rate."""
    code, output, error = run_cli(*command, "--sampler", "vllm@0.33", "--seeds", 42)
    assert (code, error) == (3, "")
    assert "match rate" in output
    assert "surprise" not in output
    assert seeds_sent(endpoint) == sorted(derived_seeds(42, 3))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--seeds", "1,2"), "--seeds has 2 seeds for 3 prompts"),
        (("--seeds", "1,b"), "whole numbers"),
        (("--seeds", "1", "--seed", "1"), "not both"),
        (("--seed", "1"), "one seed for all answers"),
        (("--sampler", "vllm"), "write ENGINE@VERSION"),
        (("--seed", "1", "--sampler", "torch-cpu@2.13"), "give vocab_size"),
    ],
)
def test_bad_options(endpoint: Any, command: list[object], run_cli: RunCli, options: Any, words: str) -> None:
    """Each is one line, before anything is sent."""
    code, output, error = run_cli(*command, *options)
    assert (code, output, error.count("\n")) == (2, "", 1)
    assert words in error
    assert endpoint.requests == []


def test_another_sampler_afterwards(endpoint: Any, command: list[object], tmp_path: Path, run_cli: RunCli) -> None:
    """A run that was collected with seeds is scored again by another sampler, offline; what applies is shown."""
    code, output, _ = run_cli(*command, "--seeds", "4,5,6")
    assert code == 3
    assert "match rate" not in output
    assert "surprise above expectation (nats)" in output
    endpoint.requests.clear()
    for sampler in ("vllm@0.30", "vllm@0.33"):
        code, output, _ = run_cli("score", tmp_path / "run", "--sampler", sampler)
        assert code == 0
        assert "match rate" in output
    code, output, _ = run_cli("decide", tmp_path / "run")
    assert code == 3
    assert "match rate" in output
    assert endpoint.requests == []
