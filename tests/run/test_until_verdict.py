"""Whole answers asked until a verdict: a few at a time, never one twice, within a ceiling, and a record that can be checked."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from token_difr.answers.chat_answer import chat_response
from token_difr.errors import EndpointError, InputError, RunDirectoryError
from token_difr.records import (
    Conversation,
    Response,
    SamplingParams,
    SequentialAudit,
    TokenSequence,
    TopKBatch,
    Verdict,
)
from token_difr.reference import Reference
from token_difr.run.audit import AuditRun, audit
from token_difr.run.directory import RunDirectory
from token_difr.run.spending import Ceiling
from token_difr.run.verifying import verify_run
from token_difr.services import Prices

RunCli = Callable[..., tuple[int, str, str]]

COUNT, TOKENS = 230, 12
PROMPTS: list[Conversation] = [[{"role": "user", "content": f"question {n}"}] for n in range(COUNT)]
OTHERS: list[Conversation] = [[{"role": "user", "content": f"question {n}"}] for n in range(COUNT, 2 * COUNT)]


def own_tokens(question: int) -> list[int]:
    """What the model answers."""
    return [int(token) for token in np.random.default_rng(question).choice([*b"abcd"], TOKENS)]


class Standin:
    """Answers as the model does, but for a share of the tokens, drawn with a seed of its own.

    Attributes:
        asked: The questions that it was asked, in order.
        fails_after: So many answers, then it goes down; None = never.
    """

    url = "in process"

    def __init__(self, rate: float = 0.0, seed: int = 0, fails_after: int | None = None) -> None:
        self.rate, self.seed, self.fails_after = rate, seed, fails_after
        self.asked: list[int] = []
        self.seeds: list[Any] = []

    async def answer(
        self, index: int, messages: Conversation, *, model: str, params: SamplingParams, max_tokens: int
    ) -> Response:
        """The answer to one question."""
        del model, max_tokens
        if self.fails_after is not None and len(self.asked) >= self.fails_after:
            raise EndpointError("down")
        question = int(messages[-1]["content"].rpartition(" ")[2])
        self.asked.append(question)
        self.seeds.append(params.seed[index] if isinstance(params.seed, tuple) else params.seed)
        other = np.random.default_rng([self.seed, question]).random(TOKENS) < self.rate
        text = "".join(chr(ord("x") if gone else own) for gone, own in zip(other, own_tokens(question), strict=True))
        body: dict[str, Any] = {
            "choices": [{"message": {"role": "assistant", "content": text}, "finish_reason": "length"}],
            "usage": {"prompt_tokens": 30, "completion_tokens": TOKENS},
        }
        return chat_response(index, body, sent={})


class ModelItself(Reference):
    """Knows what the model answers to each question."""

    url, model, dialect, topk_logprobs = "http://reference/v1", "m", "vllm", 2

    async def rows(self, sequence: TokenSequence, *, tag: str) -> TopKBatch:
        """Half a nat above another token, whatever it has read."""
        del tag
        prompt = "".join(map(chr, sequence.prompt_token_ids))
        own = own_tokens(int("".join(filter(str.isdigit, prompt))))
        rows = [[(best, -0.5), (ord("x"), -1.0)] for best in own][: len(sequence.output_token_ids)]
        return TopKBatch.from_rows(rows, sequence.output_token_ids, prompt_lengths=[len(sequence.prompt_token_ids)])


@pytest.fixture(scope="module")
def baselines(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The runs of a trusted provider: on the same prompts, and on others."""
    folder = tmp_path_factory.mktemp("baselines")
    return {
        name: audited(Standin(0.01, seed=1), folder / name, prompts=prompts).path
        for name, prompts in {"same": PROMPTS, "others": OTHERS}.items()
    }


def audited(provider: Standin, out: Path, *, prompts: list[Conversation] = PROMPTS, **how: Any) -> AuditRun:
    from conftest import Characters

    asked: dict[str, Any] = {"model": "m", "tokenizer": Characters(), "max_tokens": TOKENS, "repair_requests": 0}
    quiet: dict[str, Any] = {"preflight": False, "progress": False}
    return audit(prompts, provider=provider, reference=ModelItself(), out=out, **asked, **quiet, **how)


def recorded(run: AuditRun) -> SequentialAudit:
    test = run.decision.sequential
    assert test is not None
    return test


@pytest.mark.parametrize("beside", ["same", "others"])
@pytest.mark.parametrize(
    ("rate", "count", "verdict", "fewest", "most"),
    [
        (0.6, COUNT, Verdict.DIVERGENT, 8, 16),
        (0.15, COUNT, Verdict.DIVERGENT, 8, 60),
        (0.01, COUNT, Verdict.CONSISTENT, 149, 200),
        (0.01, 90, Verdict.INCONCLUSIVE, 90, 90),
    ],
)
def test_the_verdict_ends_the_asking(  # noqa: PLR0917 - a table
    baselines: dict[str, Path],
    tmp_path: Path,
    beside: str,
    rate: float,
    count: int,
    verdict: Verdict,
    fewest: int,
    most: int,
) -> None:
    """As soon as bets and comparison agree; the directory is a whole audit of what was asked, which checks itself."""
    provider = Standin(rate, seed=2)
    how: dict[str, Any] = {"baseline": baselines[beside], "until_verdict": True}
    run = audited(provider, tmp_path / "run", prompts=PROMPTS[:count], **how)
    test = recorded(run)

    assert run.verdict is verdict, run.decision.reason
    assert test.stopped == ("exhausted" if verdict is Verdict.INCONCLUSIVE else verdict)
    assert fewest <= len(provider.asked) <= most
    assert len(set(provider.asked)) == len(provider.asked) == test.pairs == len(test.wealth)
    assert test.paired is (beside == "same")
    assert test.tokens == len(provider.asked) * (30 + TOKENS)
    assert run.decision.comparison is not None
    assert run.decision.comparison.verdict is run.verdict
    assert run.decision.comparison.p_value == pytest.approx(min(1, 1 / max(test.wealth)))
    with RunDirectory.read(run.path) as kept:
        assert len(kept.prompts) == len(provider.asked)
        assert kept.report() == run.report
    checks = {check.name: check.held for check in verify_run(run.path)}
    assert checks["decision"] is True


def test_stopped_and_gone_on_with(baselines: dict[str, Path], tmp_path: Path) -> None:
    """A provider that goes down costs nothing: the same again asks for the rest alone, and ends as if nothing had happened."""
    how: dict[str, Any] = {"baseline": baselines["same"], "until_verdict": True}
    whole = audited(Standin(0.15, seed=2), tmp_path / "whole", **how)
    first, second, third = Standin(0.15, seed=2, fails_after=11), Standin(0.15, seed=2), Standin(0.15, seed=2)
    with pytest.raises(EndpointError, match="down"):
        audited(first, tmp_path / "run", **how)
    gone_on = audited(second, tmp_path / "run", **how)
    again = audited(third, tmp_path / "run", **how)

    assert len(first.asked) == 11
    assert not set(first.asked) & set(second.asked)
    assert gone_on.decision == whole.decision == again.decision
    assert not third.asked


@pytest.mark.parametrize(
    ("ceiling", "most"),
    [
        (Ceiling(tokens=1_000), 1_000 // (30 + TOKENS)),
        (Ceiling(cost=0.05, prices=Prices(100.0, 1_000.0)), 3),
    ],
)
def test_a_ceiling_is_kept(baselines: dict[str, Path], tmp_path: Path, ceiling: Ceiling, most: int) -> None:
    """Nothing is asked for that could go beyond it; a higher one goes on where the last one stopped."""
    provider = Standin(0.01, seed=2)
    how: dict[str, Any] = {"baseline": baselines["same"], "until_verdict": True}
    run = audited(provider, tmp_path / "run", ceiling=ceiling, **how)
    test = recorded(run)
    assert (run.verdict, test.stopped) == (Verdict.INCONCLUSIVE, "budget")
    assert 1 <= len(provider.asked) <= most
    assert ceiling.tokens is None or test.tokens <= ceiling.tokens
    assert ceiling.cost is None or (test.cost is not None and test.cost <= ceiling.cost)

    rest = Standin(0.01, seed=2)
    assert audited(rest, tmp_path / "run", **how).verdict is Verdict.CONSISTENT
    assert not set(rest.asked) & set(provider.asked)


def test_prompts_without_a_counterpart_are_not_asked(baselines: dict[str, Path], tmp_path: Path) -> None:
    """Most of the prompts are the baseline's, and only those can be held against its answers; each keeps its own seed."""
    mixed = [prompt for pair in zip(PROMPTS[:20], OTHERS[:10] + PROMPTS[20:30], strict=True) for prompt in pair]
    provider = Standin(0.6, seed=2)
    params = SamplingParams(temperature=1.0, seed=tuple(range(len(mixed))))
    with pytest.raises(InputError, match="differs in"):  # the baseline is greedy
        audited(
            provider, tmp_path / "run", prompts=mixed, baseline=baselines["same"], until_verdict=True, params=params
        )
    run = audited(provider, tmp_path / "run", prompts=mixed, baseline=baselines["same"], until_verdict=True)
    assert set(provider.asked) < set(range(COUNT))
    assert recorded(run).paired


def test_seeds_grow_with_the_prompts(tmp_path: Path) -> None:
    """Where each prompt has a seed of its own, the record holds as many seeds as prompts were asked."""
    unseeded = SamplingParams(temperature=1.0)
    baseline = audited(Standin(0.01, seed=1), tmp_path / "baseline", params=unseeded)
    seeds = tuple(range(100, 100 + COUNT))
    provider = Standin(0.5, seed=2)
    how: dict[str, Any] = {"baseline": baseline.path, "until_verdict": True}
    run = audited(provider, tmp_path / "run", params=replace(unseeded, seed=seeds), **how)
    assert run.verdict is Verdict.DIVERGENT
    assert provider.seeds == [100 + question for question in provider.asked]
    assert run.audit.params.seed == tuple(sorted(provider.seeds))


@pytest.mark.parametrize(
    ("baseline", "message"),
    [
        (lambda _: None, "beside a baseline"),
        (lambda run: run.scores, "the baseline's run directory"),
    ],
)
def test_refused_before_anything_is_sent(tmp_path: Path, baseline: Callable[[Any], Any], message: str) -> None:
    """Without a run to hold answers against, there is nothing to bet on."""
    trusted = audited(Standin(), tmp_path / "trusted", prompts=PROMPTS[:3])
    provider = Standin()
    with pytest.raises(InputError, match=message):
        audited(provider, tmp_path / "run", baseline=baseline(trusted), until_verdict=True)
    assert not provider.asked
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--until", "noon"], "--until takes verdict"),
        (["--max-usd", "1"], "go with --until verdict"),
        (["--max-tokens-total", "9"], "go with --until verdict"),
        (["--until", "verdict", "--max-usd", "1"], "--price-input and --price-output"),
        (["--until", "verdict", "--max-tokens-total", "0"], "must be above 0"),
    ],
)
def test_wrong_options(run_cli: RunCli, tmp_path: Path, options: list[str], message: str) -> None:
    """Each is named, before anything is sent."""
    prompts = tmp_path / "prompts.jsonl"
    prompts.write_text(json.dumps({"messages": PROMPTS[0]}) + "\n", encoding="utf-8")
    place = ["--provider", "http://127.0.0.1:9/v1", "--reference", "http://127.0.0.1:9/v1", "--model", "m"]
    where = ["--tokenizer", "demo", "--prompts", str(prompts), "--out", str(tmp_path / "run")]
    code, _, error = run_cli("audit", *place, *where, *options)
    assert code == 2
    assert message in " ".join(error.split())


def test_such_a_run_is_not_judged_as_one_of_all_prompts(
    run_cli: RunCli, baselines: dict[str, Path], tmp_path: Path
) -> None:
    """How many answers there are depended on what they showed; the report says how it was asked, in every form."""
    how: dict[str, Any] = {"baseline": baselines["same"]}
    run = audited(Standin(0.6, seed=2), tmp_path / "run", until_verdict=True, **how)
    code, _, error = run_cli("decide", run.path, "--baseline", baselines["same"])
    assert code == 2
    assert "until a verdict" in error
    with pytest.raises(RunDirectoryError, match="the prompts"):
        audited(Standin(0.6, seed=2), tmp_path / "run", **how)
    for form in ("terminal", "markdown"):
        assert "Asked until a verdict" in run_cli("report", run.path, "--format", form)[1]
    kept = json.loads(run_cli("report", run.path, "--json")[1])
    assert kept["sequential"]["stopped"] == "divergent"
