"""Made-up reports, each as an audit would give it."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from token_difr.records import (
    Asked,
    Audit,
    BaselineRun,
    Cause,
    Comparison,
    Contrast,
    Decision,
    Diagnosis,
    Estimate,
    Finding,
    Judged,
    Parting,
    ProfileCell,
    PromptSet,
    Provenance,
    Rendered,
    Report,
    Rule,
    SamplingParams,
    Scored,
    StatisticComparison,
    Summary,
    Verdict,
)

GLOSSES = {
    "clipped_margin_0.1": "how far the tokens lie from the reference's, with margins above 0.1 nats counted as 0.1",
    "clipped_margin_30": "the same with margins up to 30 nats: few tokens that are far off count most",
    "mismatch_rate": "the share of tokens that are not the reference's",
    "undecided_rate": "the share of tokens that the reference's rows do not settle",
    "empty_rate": "the share of answers without a token",
}

NO_BASELINE = "no baseline: audit a provider that you trust on the same prompts, and give its run"


def summary(match: float, **changes: object) -> Summary:
    """200 answers of 12,804 tokens, decided in all but 12 of them."""
    made = Summary(
        sequences=200,
        empty_sequences=0,
        withheld_sequences=0,
        tokens=12_804,
        decided_tokens=12_792,
        statuses={"scored": 12_780, "censored": 12, "undecided": 12, "filtered": 0},
        exact_match_rate=Estimate(match, match - 0.0123, match + 0.0104),
        statistics={"mismatch_rate": Estimate(1 - match, 0.001, 0.02)},
        mean_prob=0.7634,
        mean_margin=0.0213,
        infinite_margin_rate=0.0005,
        mean_logit_rank=0.0311,
        improper_rows=0,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def comparison(verdict: Verdict, reason: str) -> Comparison:
    """Five statistics; the first has the smallest p-value."""
    statistics = tuple(
        StatisticComparison(
            name=name,
            candidate=0.2988 / (index + 1),
            baseline=0.0012 * (index + 1),
            difference=0.2976 / (index + 1),
            interval=(0.2711 / (index + 1), 0.3243 / (index + 1)),
            p_value=0.0005 * (index + 1),
            unit="share",
            two_sided=False,
            gloss=gloss,
        )
        for index, (name, gloss) in enumerate(GLOSSES.items())
    )
    return Comparison(
        verdict=verdict,
        reason=reason,
        p_value=0.0005,
        rule=Rule(),
        match_loss=0.3072,
        match_loss_upper=0.3241,
        margin_ratio_upper=260.4,
        as_large_as="int4 weights on the demo model" if verdict is Verdict.DIVERGENT else None,
        paired=False,
        sequences=(200, 198),
        tokens=(12_792, 12_700),
        compared_tokens=(12_104, 12_050),
        statistics=statistics,
        deciding="clipped_margin_0.1",
    )


def unseeded_comparison(reason: str) -> Comparison:
    """The two surprises alone."""
    statistics = tuple(
        StatisticComparison(
            name=f"surprise_{side}",
            candidate=0.3561,
            baseline=0.3444,
            difference=0.0117,
            interval=(-0.0101, 0.0322),
            p_value=p_value,
            unit="nats",
            gloss=f"how far tokens lie {side} the surprise that the reference expects",
            two_sided=True,
        )
        for side, p_value in (("above", 0.6365), ("below", 0.9120))
    )
    return replace(
        comparison(Verdict.INCONCLUSIVE, reason),
        p_value=0.6365,
        match_loss=math.nan,
        match_loss_upper=math.nan,
        margin_ratio_upper=math.nan,
        statistics=statistics,
        deciding="surprise_above",
    )


FINDINGS = (
    Finding(name="end_token", level="note", text="198 of 200 answers ended by themselves", evidence={"stopped": 198}),
    Finding(
        name="prompt_token_count",
        level="warning",
        text="the provider counts 11 tokens more than we rendered in every prompt: it may add a system prompt",
        evidence={"prompts_by_difference": {"11": 200}},
    ),
)

PARTINGS = (
    Parting(
        sequence=17,
        position=42,
        context=" the capital of France is, as you know,",
        claimed=" Lyon",
        expected=" Paris",
        margin_bound=11.3125,
        status="scored",
    ),
    Parting(
        sequence=3, position=7, context="漢字とは", claimed="、", expected="何", margin_bound=6.5, status="censored"
    ),
)

UNKNOWN = Estimate(math.nan, math.nan, math.nan)
SHARES = Contrast(
    candidate=Estimate(0.25, 0.2, 0.31), baseline=Estimate(0.01, 0.004, 0.02), difference=Estimate(0.24, 0.18, 0.3)
)
NOTHING = Contrast(candidate=UNKNOWN, baseline=UNKNOWN, difference=UNKNOWN)

DIAGNOSIS = Diagnosis(
    cells=(
        ProfileCell(group="position", name="first", counts=(200, 198), mismatch=SHARES, margin=SHARES, differs=True),
        ProfileCell(
            group="first parting", name="never", counts=(10, 170), mismatch=SHARES, margin=NOTHING, differs=False
        ),
    ),
    causes=(
        Cause(
            name="system_prompt",
            text="the provider's prompts have 11 tokens more than ours, every one",
            advice="ask the provider for its system prompt",
            shown=True,
            evidence={"prompts": 200, "more": 11},
        ),
        Cause(
            name="dated_template",
            text="our template writes today's date",
            advice="give the date",
            shown=False,
            evidence={"prompts": 200},
        ),
    ),
    level=0.01,
)

BASELINE = BaselineRun(
    path="runs/trusted",
    provider="https://api.trusted.example/v1",
    model="meta-llama/Llama-3.1-8B-Instruct",
    sampler="vllm-0.33",
    started="2026-11-20T08:15:00+00:00",
    scores="c" * 64,
)

AUDIT = Audit(
    prompts=PromptSet(digest="0123456789abcdef" * 4, count=200),
    asked=Asked(
        provider="https://api.cheap.example/v1",
        model="llama-3.1-8b-instruct-turbo",
        params=SamplingParams(temperature=1.0, top_p=0.95, seed=tuple(range(200))),
        max_tokens=64,
    ),
    rendered=Rendered(tokenizer="meta-llama/Llama-3.1-8B-Instruct", digest="d" * 64),
    judged=Judged(
        reference="http://localhost:8000/v1",
        model="meta-llama/Llama-3.1-8B-Instruct",
        dialect="vllm",
        topk_logprobs=20,
    ),
    scored=Scored(sampler="vllm-0.33", vocab_size=128_256),
)

PROVENANCE = Provenance(
    version="0.2.0",
    started="2026-11-27T21:02:11+00:00",
    decided="2026-11-27T21:40:59+00:00",
    scores="a" * 64,
    baseline=BASELINE,
)


def compared(verdict: Verdict, reason: str, match: float) -> Report:
    """A report with a baseline."""
    decision = Decision(
        verdict=verdict,
        reason=reason,
        rule=Rule(),
        summary=summary(match),
        baseline=summary(0.9942),
        comparison=comparison(verdict, reason),
    )
    return Report(
        audit=AUDIT,
        decision=decision,
        findings=FINDINGS,
        partings=PARTINGS,
        provenance=PROVENANCE,
        diagnosis=DIAGNOSIS if verdict is Verdict.DIVERGENT else None,
    )


def unseeded() -> Report:
    """Without a seed there is no match rate."""
    reason = "not shown to be worse (p = 0.6365), without a seed to replay"
    side = summary(
        0.5,
        decided_tokens=0,
        statuses={"unreplayed": 12_804},
        exact_match_rate=Estimate(math.nan, math.nan, math.nan),
        statistics={"surprise_above": Estimate(0.3561, 0.34, 0.37), "surprise_below": Estimate(0.3444, 0.33, 0.36)},
        mean_margin=math.nan,
        infinite_margin_rate=math.nan,
        mean_logit_rank=math.nan,
    )
    made = compared(Verdict.INCONCLUSIVE, reason, 0.5)
    asked = AUDIT.asked
    assert asked is not None
    return replace(
        made,
        audit=replace(AUDIT, asked=replace(asked, params=SamplingParams(temperature=1.0)), scored=Scored()),
        decision=replace(made.decision, summary=side, baseline=side, comparison=unseeded_comparison(reason)),
        partings=(),
    )


def alone() -> Report:
    """Without a baseline, and greedily."""
    asked = AUDIT.asked
    assert asked is not None
    return Report(
        audit=replace(AUDIT, asked=replace(asked, params=SamplingParams()), scored=Scored()),
        decision=Decision(verdict=Verdict.INCONCLUSIVE, reason=NO_BASELINE, rule=Rule(), summary=summary(0.9713)),
        findings=(),
        partings=(),
        provenance=replace(PROVENANCE, baseline=None),
    )


@pytest.fixture(scope="session")
def reports() -> dict[str, Report]:
    """One of each kind, by name."""
    return {
        "divergent": compared(
            Verdict.DIVERGENT,
            "worse than the baseline, most of all in clipped_margin_0.1: p = 0.0005, below 0.01",
            0.6870,
        ),
        "consistent": compared(
            Verdict.CONSISTENT,
            "no worse than the baseline (p = 0.8570), and the match rate may lie up to 0.81 points below the "
            "baseline's (95 % bound)",
            0.9942,
        ),
        "unseeded": unseeded(),
        "alone": alone(),
    }
