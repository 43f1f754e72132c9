"""What a user writes with the package, importing each of its public modules: it passes ``mypy --strict``.

``make check`` checks it with all other tests; nobody runs it. ``test_typed_sample.py`` sees that no module is missing.
"""

from __future__ import annotations

from typing import assert_type

import numpy as np
from numpy.typing import NDArray

import token_difr
import token_difr.api
import token_difr.audit
import token_difr.common
import token_difr.demo_model
import token_difr.errors
import token_difr.interrupts
import token_difr.local
import token_difr.model_registry
import token_difr.openrouter_api
import token_difr.untrusted
from token_difr import (
    Sampler,
    SamplingParams,
    Scores,
    TokenMetrics,
    TokenSequence,
    TopKBatch,
    Verdict,
    answers,
    campaign,
    cli,
    compat,
    compute_metrics_summary,
    decide,
    demo,
    diagnosis,
    endpoint,
    engine,
    findings,
    gguf,
    mismatch,
    page,
    planning,
    probes,
    records,
    reference,
    report,
    rollouts,
    run,
    sampler,
    score,
    scores,
    segmentation,
    sequences,
    server,
    services,
    testing,
    ties,
    tinker,
    verdict,
)
from token_difr.rollouts import Response, Rollouts, RolloutsClient
from token_difr.rollouts.fw_cache import RolloutCache
from token_difr.rollouts.fw_client import FireworksClient
from token_difr.rollouts.fw_datatypes import FwResponse, FwRollouts

MODULES = (
    answers,
    campaign,
    cli,
    compat,
    demo,
    diagnosis,
    endpoint,
    engine,
    findings,
    gguf,
    mismatch,
    page,
    planning,
    probes,
    records,
    reference,
    report,
    rollouts,
    run,
    sampler,
    scores,
    segmentation,
    sequences,
    server,
    services,
    testing,
    ties,
    tinker,
    verdict,
)


def match_rate(batch: TopKBatch) -> float:
    """Stages: rows to scores to a decision."""
    made = score(batch, SamplingParams(temperature=0.7, seed=1), sampler=Sampler.parse("vllm@0.33"))
    assert_type(made, Scores)
    assert_type(made.margin, NDArray[np.float32])
    assert_type(made[0], list[TokenMetrics])
    assert_type(decide(made, made).verdict, Verdict)
    return float(compute_metrics_summary(made)["exact_match_rate"])


def old_script(outputs: list[TokenSequence]) -> str:
    """The functions of 0.1, by their old paths."""
    prompts = token_difr.common.construct_prompts(5, model_name="demo")
    result = token_difr.audit_provider(prompts, "org/model", provider="groq")
    assert_type(result, token_difr.AuditResult)
    row: token_difr.api.PositionLogprobs = [(5, -0.5)]
    sparse = token_difr.api.SparseLogprobs(index=0, gen_ids=[5], logprobs=[row])
    metrics = token_difr.local.verify_outputs(outputs, "demo", temperature=0.0, top_k=5, top_p=1.0, seed=1)
    assert_type(metrics, list[list[TokenMetrics]])
    return f"{token_difr.model_registry.get_openrouter_name('Org/Model')} {sparse.index}"


def many_samples() -> list[str]:
    """Rollouts, by both clients."""
    with RolloutsClient("org/model", temperature=0.5) as client, FireworksClient("org/model", echo=True) as other:
        drawn: Rollouts = client.generate("Why?", n_samples=2)
        echoed: FwRollouts = other.generate("Why?")
        first: Response = drawn[0]
        second: FwResponse = echoed[0]
        cache = RolloutCache("folder")
        assert_type(cache.look_up([b"key"]).done(), bool)
        return [first.full, second.content]


def refused(error: token_difr.errors.TokenDifrError) -> str:
    """Errors have one root; what is shown of others' text is printable."""
    return token_difr.untrusted.printable(str(error))
