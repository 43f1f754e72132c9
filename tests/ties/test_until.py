"""Ties asked until a verdict: of stand-ins whose flips are known, a few at a time, and never one twice."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tie_providers import SET, TIES, Provider, never, one_in
from token_difr.errors import EndpointError, InputError, RunDirectoryError
from token_difr.records import Audit, NearTies, SequentialTest, Verdict
from token_difr.run.audit import AuditRun
from token_difr.run.directory import RunDirectory
from token_difr.sequences import load_tokenizer, render
from token_difr.testing.loopback import Answer, Request, json_answer, serving
from token_difr.ties import TieSet, audit_ties
from token_difr.ties.asking import Way
from token_difr.ties.mix import Mix


def audited(provider: Provider, out: Path, **how: Any) -> AuditRun:
    """The audit of a stand-in."""
    with serving(provider) as url:
        return audit_ties(SET, provider=f"{url}/v1", model="m", out=out, way=Way.CHAT, progress=False, **how)


def until_verdict(provider: Provider, out: Path, baseline: Path, **how: Any) -> AuditRun:
    """The audit of a stand-in until a verdict."""
    return audited(provider, out, baseline=baseline, until_verdict=True, **how)


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Run directories of honest runs, which answered all ties."""
    folder = tmp_path_factory.mktemp("honest")
    curves = {"sure": never, "noisy": one_in(20), "noisier": one_in(8)}
    return {name: audited(Provider(curve), folder / name).path for name, curve in curves.items()}


def recorded(run: AuditRun) -> tuple[NearTies, SequentialTest]:
    """The record of the ties, and of the test."""
    near = run.decision.ties
    assert near is not None
    assert near.sequential is not None
    return near, near.sequential


@pytest.mark.parametrize(
    ("baseline", "flips", "verdict", "fewest", "most"),
    [
        ("sure", lambda _: True, Verdict.DIVERGENT, 8, 16),
        ("sure", one_in(6), Verdict.DIVERGENT, 20, 160),
        ("sure", never, Verdict.CONSISTENT, 59, 140),
        ("noisy", one_in(20), Verdict.CONSISTENT, 59, 140),
        ("sure", one_in(30), Verdict.INCONCLUSIVE, TIES, TIES),
    ],
)
def test_the_verdict_ends_the_asking(  # noqa: PLR0917 - a table
    honest: dict[str, Path], tmp_path: Path, baseline: str, flips: Any, verdict: Verdict, fewest: int, most: int
) -> None:
    """As soon as it is known, and with what was asked as the record; the directory is a whole audit of these ties."""
    provider = Provider(flips)
    run = until_verdict(provider, tmp_path / "run", honest[baseline])
    near, test = recorded(run)

    assert run.verdict is verdict, run.decision.reason
    assert fewest <= near.asked <= most
    assert len(set(provider.asked)) == len(provider.asked) == near.asked == len(test.wealth) == test.pairs
    assert near.fell == sum(map(flips, provider.asked)) == sum(stratum.fell for stratum in near.strata)
    assert run.decision.reason.startswith(f"{near.fell} of {near.asked} near ties fell the other way; the honest run: ")
    assert test.stopped == ("exhausted" if verdict is Verdict.INCONCLUSIVE else verdict)
    assert run.decision.comparison is not None
    assert run.decision.comparison.verdict is verdict
    with RunDirectory.read(run.path) as kept:
        assert len(kept.prompts) == near.asked
        assert kept.report() == run.report


@pytest.mark.parametrize("answers", [4, 9])
def test_what_was_asked_is_not_asked_again(honest: dict[str, Path], tmp_path: Path, answers: int) -> None:
    """Whenever a provider gives out; the end is that of an audit in one go, and a finished one asks for nothing."""
    provider = Provider(one_in(2), most=answers)
    with serving(provider) as url:
        how: dict[str, Any] = {"provider": f"{url}/v1", "model": "m", "way": Way.CHAT, "until_verdict": True}
        how |= {"baseline": honest["sure"], "progress": False, "concurrency": 1}
        with pytest.raises(EndpointError):
            audit_ties(SET, out=tmp_path / "run", **how)
        provider.most = 10**6
        done = audit_ties(SET, out=tmp_path / "run", **how)
        first = list(provider.asked)
        again = audit_ties(SET, out=tmp_path / "run", **how)
        assert provider.asked == first
        whole = audit_ties(SET, out=tmp_path / "whole", **how)
    near, _ = recorded(done)

    assert sorted(set(first)) == sorted(first)
    assert near.asked == len(first)
    assert near == recorded(whole)[0]
    assert again.report == done.report


def test_divergent_is_who_differs_from_every_honest_run(honest: dict[str, Path], tmp_path: Path) -> None:
    """A provider that is like the noisiest of them is none; beside the surest alone it is one."""
    flips = one_in(8)
    alone = until_verdict(Provider(flips), tmp_path / "alone", honest["sure"])
    beside = until_verdict(Provider(flips), tmp_path / "beside", honest["sure"], honest=[honest["noisier"]])
    worse = until_verdict(Provider(one_in(2)), tmp_path / "worse", honest["sure"], honest=[honest["noisier"]])

    assert alone.verdict is Verdict.DIVERGENT
    assert beside.verdict is Verdict.CONSISTENT, beside.decision.reason
    assert alone.decision.ties is not None
    assert alone.decision.ties.kind is not None
    assert worse.verdict is Verdict.DIVERGENT, worse.decision.reason
    near, _ = recorded(beside)
    assert [Path(each.path) for each in near.honest] == [honest["sure"], honest["noisier"]]
    assert all(each.asked == near.asked and each.started for each in near.honest)
    assert "; honest runs: " in beside.decision.reason


def test_only_pairs_are_asked(honest: dict[str, Path], tmp_path: Path) -> None:
    """Beside a baseline that ended early: the ties that it answered, and no others."""
    early = until_verdict(Provider(one_in(2)), tmp_path / "early", honest["sure"])
    provider = Provider(one_in(2))
    run = until_verdict(provider, tmp_path / "run", early.path)
    near, test = recorded(run)

    assert near.asked == recorded(early)[0].asked < TIES
    assert (test.alone, test.baseline_alone) == (0, 0)
    assert run.verdict is Verdict.INCONCLUSIVE


def test_all_at_once_tells_the_counts_too(honest: dict[str, Path], tmp_path: Path) -> None:
    """Beside the permutation test's ground; and beside other honest runs the report is made anew."""
    with serving(Provider(one_in(4))) as url:
        how: dict[str, Any] = {"provider": f"{url}/v1", "model": "m", "way": Way.CHAT, "progress": False}
        run = audit_ties(SET, out=tmp_path / "run", baseline=honest["sure"], **how)
        more = audit_ties(SET, out=tmp_path / "run", baseline=honest["sure"], honest=[honest["noisy"]], **how)
    assert run.verdict is Verdict.DIVERGENT
    assert run.decision.reason.startswith(
        "36 of 144 near ties fell the other way; the honest run: 0 of 144; worse than"
    )
    assert more.decision.reason.startswith("36 of 144 near ties fell the other way; honest runs: 8 of 288; worse than")
    assert more.decision.ties is not None
    assert more.decision.ties.sequential is None


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"until_verdict": True}, "beside a baseline alone"),
        ({"honest": ["sure"]}, "beside a baseline: give one"),
        ({"baseline": "sure", "honest": ["sure"]}, "given twice"),
    ],
)
def test_honest_runs_that_do_not_fit_are_named(
    honest: dict[str, Path], tmp_path: Path, how: dict[str, Any], words: str
) -> None:
    """Before anything is asked."""
    provider = Provider(never)
    given = {**how, "honest": [honest[name] for name in how.get("honest", ())]}
    if "baseline" in how:
        given["baseline"] = honest[how["baseline"]]
    with pytest.raises(InputError, match=words):
        audited(provider, tmp_path / "run", **given)
    assert not provider.asked
    assert not (tmp_path / "run").exists()


def test_a_run_grows_by_further_prompts_alone(tmp_path: Path) -> None:
    """Its own stay where they are; and it goes on as the audit of all of them."""
    prompts = [one.conversation for one in SET.ties]
    with RunDirectory.create(tmp_path / "run", prompts[:3], Audit()) as run:
        run.grow(prompts[:5])
        with pytest.raises(RunDirectoryError, match="its own come first"):
            run.grow(prompts[1:9])
    with RunDirectory.read(tmp_path / "run") as run:
        assert run.prompts == prompts[:5]
        with pytest.raises(RunDirectoryError, match="reading only"):
            run.grow(prompts)


@pytest.mark.parametrize(("until", "mix"), [(False, 0), (False, 20), (True, 2 * TIES)])
def test_ties_among_ordinary_requests(honest: dict[str, Path], tmp_path: Path, until: bool, mix: int) -> None:
    """So many requests for whole answers are sent among all ties, none behind the verdict; nothing of them is kept."""
    provider = _Crowd(one_in(2))
    how = {"baseline": honest["sure"], "until_verdict": until, "preflight": False, "mix": mix}
    run = audited(provider, tmp_path / "run", **how)

    assert run.verdict is Verdict.DIVERGENT
    assert provider.ordinary == -(-mix * len(provider.asked) // TIES)
    with RunDirectory.read(run.path) as kept:
        assert len(kept.responses()) == len(set(provider.asked))
        assert all(len(ids.output_token_ids) == 1 for ids in kept.sequences().values())


@pytest.mark.parametrize(("requests", "ties"), [(0, 5), (1, 500), (7, 144), (144, 144), (1000, 3)])
def test_ordinary_requests_are_as_many_as_were_asked_for(requests: int, ties: int) -> None:
    """However the ties are cut into batches, and in whatever order they are asked."""
    mix = Mix(requests, ties)
    places = np.random.default_rng(0).permutation(ties).tolist()
    for size in (1, 4, ties):
        batches = [places[at : at + size] for at in range(0, ties, size)]
        assert sum(len(mix.beside(batch)) for batch in batches) == requests
    tokenizer = load_tokenizer("demo")
    assert all(render(conversation, tokenizer) for conversation in mix.beside(places))


class _Crowd(Provider):
    """Counts whoever asks for more than a token, and refuses half of them."""

    ordinary = 0

    def __call__(self, request: Request) -> Answer:
        """One token, or a sentence."""
        if request.body["max_tokens"] == 1:
            return super().__call__(request)
        self.ordinary += 1
        if self.ordinary % 2:
            return json_answer({"error": {"message": "not about that"}}, 400)
        return json_answer(
            {"choices": [{"message": {"role": "assistant", "content": "Yes."}, "finish_reason": "stop"}]}
        )


@pytest.mark.parametrize(
    ("picked", "claimed", "warned"),
    [
        ("float32", "bfloat16", True),
        ("BF16", "torch.bfloat16", False),
        ("fp16", "float16", False),
        ("fp8", "bf16", True),
        ("float32", None, False),
        (None, "float16", False),
    ],
)
def test_precision_that_is_not_the_claimed_one(
    tmp_path: Path, picked: str | None, claimed: str | None, warned: bool
) -> None:
    """A warning beside the verdict, which it leaves alone; it stays until the claim is corrected."""
    ties = replace(SET, ties=SET.ties[:4], precision=picked)
    ties.save(tmp_path / "ties.json")
    ties = TieSet.load(tmp_path / "ties.json")

    def named(url: str, precision: str | None) -> list[str]:
        how: dict[str, Any] = {"way": Way.CHAT, "preflight": False, "progress": False}
        run = audit_ties(ties, provider=f"{url}/v1", model="m", out=tmp_path / "run", precision=precision, **how)
        assert run.verdict is Verdict.INCONCLUSIVE
        with RunDirectory.read(run.path) as kept:
            report = kept.report()
            assert report == run.report
        return [found.name for found in run.report.findings if found.name == "tie_precision"]

    with serving(Provider(never)) as url:
        assert named(url, claimed) == ["tie_precision"] * warned
        assert named(url, None) == ["tie_precision"] * warned
        assert named(url, picked or "float16") == []
