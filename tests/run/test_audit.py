"""``audit`` and ``aaudit``: the six stages in one call, from synchronous and asynchronous code."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from token_difr.errors import InputError, PromptError, RunDirectoryError
from token_difr.records import Judged, Rule, SamplingParams, TokenSequence, TopKBatch, Verdict
from token_difr.reference import Reference
from token_difr.run import RunDirectory
from token_difr.run.audit import AuditRun, aaudit, audit
from token_difr.run.baseline import baseline_of
from token_difr.run.deciding import decide_run
from token_difr.run.stages import score_run
from token_difr.services import open_client


def others(count: int) -> list[list[dict[str, Any]]]:
    return [[{"role": "user", "content": f"another question {n}"}] for n in range(count)]


def arguments(endpoint: Any, characters: Any, out: Path, **changes: Any) -> dict[str, Any]:
    return {
        "provider": endpoint.url,
        "model": "m",
        "reference": endpoint.url,
        "tokenizer": characters,
        "out": out,
        "max_tokens": 30,
        "preflight": False,  # its requests would be counted; test_preflight.py has them
        "progress": False,
        **changes,
    }


def test_audit(endpoint: Any, characters: Any, conversations: list[Any], tmp_path: Path) -> None:
    """Answers become tokens, rows, scores and a verdict, and all of it is on disk."""
    run = audit(conversations, **arguments(endpoint, characters, tmp_path / "run"))
    assert run.verdict is Verdict.INCONCLUSIVE
    assert len(run.scores) == 5
    assert len(run.scores[0]) == len("QUESTION 0") + 1
    assert run.scores.exact_match.all()
    with RunDirectory.read(run.path) as stored:
        assert stored.audit == run.audit
        assert stored.sequences()[0].output_token_ids == [*map(ord, "QUESTION 0"), 2]
        scores, report = stored.stored_scores(), stored.report()
    assert scores is not None
    np.testing.assert_array_equal(scores.scores.margin, run.scores.margin)
    assert report is not None
    assert report.decision.verdict is Verdict.INCONCLUSIVE


def test_inside_a_running_loop(endpoint: Any, characters: Any, conversations: list[Any], tmp_path: Path) -> None:
    """The synchronous form works in a notebook; the asynchronous form is the same."""

    async def inside() -> tuple[AuditRun, AuditRun]:
        synchronous = audit(conversations, **arguments(endpoint, characters, tmp_path / "a"))
        return synchronous, await aaudit(conversations, **arguments(endpoint, characters, tmp_path / "b"))

    first, second = asyncio.run(inside())
    assert first.scores.margin.tolist() == second.scores.margin.tolist()
    assert audit.__name__ == "audit"


def test_verdict_against_a_baseline(start_endpoint: Callable[[], Any], characters: Any, tmp_path: Path) -> None:
    """An honest provider is consistent with the baseline; one whose tokens the reference finds unlikely is not."""
    honest, cheat = start_endpoint(), start_endpoint()

    def doubting(path: str, body: dict[str, Any]) -> tuple[int, Any]:
        status, answer = cheat.honest(path, body)
        if path == "/v1/completions":
            for row in answer["choices"][0]["prompt_logprobs"][1:]:
                for entry in row.values():
                    entry["logprob"] = -2.25 - entry["logprob"]  # the other token becomes the likelier one
        return status, answer

    cheat.answer = doubting
    asked = others(298)  # every other one: as long on both sides
    prompts = asked[1::2]
    baseline = audit(asked[::2], **arguments(honest, characters, tmp_path / "baseline"))
    same = audit(prompts, **arguments(honest, characters, tmp_path / "same", baseline=baseline.path))
    assert same.verdict is Verdict.CONSISTENT
    worse = audit(prompts, **arguments(cheat, characters, tmp_path / "worse", baseline=baseline.scores))
    assert worse.verdict is Verdict.DIVERGENT
    with RunDirectory.read(tmp_path / "worse") as run:
        against = baseline_of(baseline.scores, run.audit, out=run.path)
        assert decide_run(run, score_run(run), against).decision == worse.decision


def test_baseline_that_cannot_be_compared(endpoint: Any, characters: Any, tmp_path: Path) -> None:
    """A baseline that was sampled or judged another way is refused with what differs, and before anything is sent."""
    baseline = audit(others(2), **arguments(endpoint, characters, tmp_path / "baseline"))
    seeded = SamplingParams(seed=1)
    same_but_seeded = audit(others(3), **arguments(endpoint, characters, tmp_path / "s", params=seeded))
    assert baseline_of(baseline.path, same_but_seeded.audit, out=tmp_path / "s")
    with pytest.raises(InputError, match="cannot be its own baseline"):
        baseline_of(tmp_path / "s", same_but_seeded.audit, out=tmp_path / "x" / ".." / "s")
    endpoint.requests.clear()
    hot = arguments(
        endpoint, characters, tmp_path / "run", params=SamplingParams(temperature=1.0), baseline=baseline.path
    )
    with pytest.raises(InputError, match=r"cannot be compared with this audit; it differs in asked.temperature"):
        audit(others(3), **hot)
    assert endpoint.requests == []
    assert not (tmp_path / "run").exists()


def test_another_rule_half_way(endpoint: Any, characters: Any, tmp_path: Path) -> None:
    """Loses nothing that was paid for: the audit goes on, and its report says that the rule is not the one it began with."""
    first = audit(others(2), **arguments(endpoint, characters, tmp_path / "run", level=0.05))
    assert not first.findings or first.findings[0].name != "changed_rule"
    endpoint.requests.clear()
    again = audit(others(2), **arguments(endpoint, characters, tmp_path / "run", level=0.02))
    assert endpoint.requests == []
    assert again.findings[0].name == "changed_rule"
    assert "level 0.02, stated was 0.05" in again.findings[0].text
    with RunDirectory.read(again.path) as run:
        assert run.rule == Rule(level=0.05)


def test_prompts_are_checked_before_anything_is_sent(endpoint: Any, characters: Any, tmp_path: Path) -> None:
    """A prompt that the chat template refuses, and one that comes twice at temperature 0, name their place."""
    twice = [*others(2), others(1)[0]]
    with pytest.raises(PromptError, match="prompts 0 and 2 are the same"):
        audit(twice, **arguments(endpoint, characters, tmp_path / "run"))
    characters.chat_template = None
    with pytest.raises(PromptError, match="prompt 0: the tokenizer has no chat template"):
        audit(others(2), **arguments(endpoint, characters, tmp_path / "run"))
    assert endpoint.requests == []
    assert not (tmp_path / "run").exists()


def test_unfinished_baseline(endpoint: Any, characters: Any, tmp_path: Path) -> None:
    """A baseline without all its rows is refused."""
    file = audit(others(2), **arguments(endpoint, characters, tmp_path / "baseline")).path / "rows.jsonl"
    file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[:2]))
    with pytest.raises(RunDirectoryError, match="lacks the reference's rows of 1 of 2 prompts"):
        audit(others(3), **arguments(endpoint, characters, tmp_path / "run", baseline=tmp_path / "baseline"))


def test_own_client_and_own_reference(endpoint: Any, characters: Any, conversations: list[Any], tmp_path: Path) -> None:
    """A client and a reference that the caller made are used as they are, and the run remembers what they were."""

    class Certain(Reference):
        url = None
        model = "oracle"
        dialect = "certain"
        topk_logprobs = 1

        async def rows(self, sequence: TokenSequence, *, tag: str) -> TopKBatch:
            assert tag == "preflight" or tag.startswith("reference-")
            ids = list(sequence.output_token_ids)
            return TopKBatch.from_rows([[(i, 0.0)] for i in ids], ids, prompt_lengths=[len(sequence.prompt_token_ids)])

    async def work() -> AuditRun:
        async with open_client(endpoint.url, max_retries=0) as client:
            return await aaudit(
                conversations, **arguments(endpoint, characters, tmp_path / "run", provider=client, reference=Certain())
            )

    run = asyncio.run(work())
    assert run.scores.prob.tolist() == [1.0] * run.scores.prob.size
    assert run.audit.judged == Judged(reference=None, model="oracle", dialect="certain", topk_logprobs=1)


@pytest.mark.parametrize("change", [{"max_tokens": 0}, {"concurrency": 0}, {"provider": "nowhere"}])
def test_bad_arguments(
    endpoint: Any, characters: Any, conversations: list[Any], tmp_path: Path, change: dict[str, Any]
) -> None:
    """Arguments that make no sense are refused, and nothing is sent."""
    with pytest.raises(InputError):
        audit(conversations, **arguments(endpoint, characters, tmp_path / "run", **change))
    assert endpoint.requests == []


def test_no_prompts(endpoint: Any, characters: Any, tmp_path: Path) -> None:
    """No prompts, no audit."""
    with pytest.raises(PromptError, match="no prompts"):
        audit([], **arguments(endpoint, characters, tmp_path / "run"))


def test_changed_answers_are_judged_again(
    endpoint: Any, characters: Any, conversations: list[Any], tmp_path: Path
) -> None:
    """A damaged answer is asked for again, and so is what the reference says to it; all else stays."""
    run = audit(conversations, **arguments(endpoint, characters, tmp_path / "run"))
    file = run.path / "responses.jsonl"
    lines = file.read_bytes().splitlines()
    damaged = json.loads(lines[2])["index"]
    lines[2] = lines[2].replace(b"QUESTION", b"DISTORTED")
    file.write_bytes(b"\n".join(lines) + b"\n")
    endpoint.requests.clear()
    endpoint.answer = lambda path, body: (
        (200, endpoint.chat("new answer")) if path.startswith("/v1/chat") else endpoint.honest(path, body)
    )
    again = audit(conversations, **arguments(endpoint, characters, tmp_path / "run"))
    assert endpoint.tags() == [f"collect-{damaged}", f"reference-{damaged}"]
    assert len(again.scores[damaged]) == len("new answer") + 1
