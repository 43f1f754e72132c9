"""The conditions of a verdict, in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from token_difr.records import Asked, Asking, Audit, BaselineRun, Judged, Report, SamplingParams, Scored
from token_difr.report.compared import compared_grid


def shown(report: Report) -> dict[str, str]:
    return dict(compared_grid(report).rows)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("params", "sampler", "seeds", "words"),
    [
        (SamplingParams(), None, "none", "nothing to replay: the likeliest token is taken"),
        (SamplingParams(temperature=1.0, seed=7), "vllm-0.33", "one for all, 7", "vllm-0.33, its noise replayed"),
        (SamplingParams(temperature=1.0, seed=(7, 8)), None, "one a prompt", "not replayed: no sampler was named"),
        (SamplingParams(temperature=1.0), "vllm-0.33", "none", "not replayed: there is no seed"),
    ],
)
def test_seeds_and_sampler(
    reports: dict[str, Report], params: SamplingParams, sampler: str | None, seeds: str, words: str
) -> None:
    """One seed, one a prompt, none; replayed or why not."""
    asked = Asked(provider="p", model="m", params=params, max_tokens=5)
    values = shown(replace(reports["alone"], audit=Audit(asked=asked, scored=Scored(sampler=sampler))))
    assert (values["seeds"], values["sampler"]) == (seeds, words)


def test_sampling_parameters(reports: dict[str, Report]) -> None:
    """Each with its figure, or that it is off; how else it was asked where it was."""
    params = SamplingParams(temperature=0.7, top_k=50, top_p=0.9, min_p=0.05)
    asking = Asking(only="Some Host", chat_template_kwargs={"enable_thinking": False})
    asked = Asked(provider="p", model="m", params=params, max_tokens=1024, asking=asking)
    values = shown(replace(reports["alone"], audit=Audit(asked=asked)))
    assert values["sampling"] == "temperature 0.7, top-k 50, top-p 0.9, min-p 0.05"
    assert values["max tokens"] == "1,024"
    assert values["answered by"] == "Some Host alone"
    assert values["template"] == '{"enable_thinking": false}'


def test_what_is_not_stated_is_said(reports: dict[str, Report]) -> None:
    """An audit without parts, and a baseline of scores alone."""
    bare = BaselineRun(path=None, provider=None, model=None, sampler=None, started=None, scores="")
    provenance = replace(reports["alone"].provenance, baseline=bare, started=None, decided="yesterday\n")
    values = shown(replace(reports["alone"], audit=Audit(), provenance=provenance))
    assert values == {
        "provider": "not stated",
        "reference": "not stated",
        "baseline": "scores that were given without a run",
        "sampling": "not stated",
        "prompts": "not stated",
        "run started": "not stated",
        "verdict made": "yesterday\\n by token-difr 0.2.0",
    }


def test_a_reference_in_this_process_has_no_address(reports: dict[str, Report]) -> None:
    """Its kind names it."""
    judged = Judged(reference=None, model="m", dialect="transformers", topk_logprobs=5)
    values = shown(replace(reports["alone"], audit=Audit(judged=judged)))
    assert (values["reference"], values["reference model"]) == ("transformers", "m")
