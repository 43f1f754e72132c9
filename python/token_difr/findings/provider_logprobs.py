"""The provider's own logprobs of its output against the reference's."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from token_difr.findings.evidence import Evidence
from token_difr.records import Finding, Response, TopKBatch

__all__ = ["claimed_logprobs", "provider_logprobs", "sampled_logprobs"]

FAR = 0.1
"""Nats by which two logprobs of one token differ more than numerical noise lets them."""
LOWEST = -9999.0
"""What engines write for minus infinity."""
MANY = 0.05
"""Share of such tokens from which on they are a warning."""


def provider_logprobs(evidence: Evidence) -> Finding | None:
    """Logprobs that came with the answers, token by token, against the reference's of the same tokens.

    Only answers with one logprob a token count. Some engines give logprobs after temperature: above temperature 0, and
    away from 1, a difference says little.
    """
    if not evidence.audit.asking.logprobs and not any(sampled_logprobs(r) for r in evidence.responses):
        return None
    ours, ends = claimed_logprobs(evidence.batch), evidence.batch.sequence_indptr
    pairs = []
    for i, response in enumerate(evidence.responses):
        theirs, mine = sampled_logprobs(response), ours[ends[i] : ends[i + 1]]
        if theirs and len(mine) - len(theirs) in {0, 1}:  # the end token may have none
            pairs.append(np.abs(np.array(theirs) - mine[: len(theirs)]))
    differences = np.concatenate(pairs) if pairs else np.zeros(0)
    differences = differences[np.isfinite(differences)]
    if not len(differences):
        text = "the provider gave no logprobs that belong to its tokens one by one"
        return Finding(name="provider_logprobs", level="note", text=text, evidence={"tokens": 0})
    far = float((differences > FAR).mean())
    params = evidence.audit.params
    plain = params.greedy or (params.temperature == 1 and not params.top_k and params.top_p == 1 and not params.min_p)
    caveat = "" if plain else "; some engines give them after temperature and filters, so that this says little"
    return Finding(
        name="provider_logprobs",
        level="warning" if far > MANY and plain else "note",
        text=(
            f"the provider's logprobs of its own tokens are {differences.mean():.4f} nats from the reference's on "
            f"average, {far:.1%} of them by more than {FAR}{caveat}"
        ),
        evidence={
            "tokens": len(differences),
            "mean_absolute_difference": float(differences.mean()),
            "largest": float(differences.max()),
            "share_far": far,
        },
    )


def claimed_logprobs(batch: TopKBatch) -> NDArray[np.float64]:
    """The reference's logprob of each claimed token, float64 [n]; NaN where it is unknown."""
    values = batch.claimed_logprob.astype(np.float64)
    owners = np.repeat(np.arange(len(batch.claimed)), np.diff(batch.indptr))
    inside = batch.token_ids == batch.claimed[owners]
    values[owners[inside]] = batch.logprobs[inside]
    return values


def sampled_logprobs(response: Response) -> list[float] | None:
    """A provider's logprobs of its output, one a token; NaN where one is not finite, None where there are none.

    In either form: a content list, or the older parallel lists.
    """
    given = response.choice.get("logprobs")
    if not isinstance(given, dict):
        return None
    content = given.get("content")
    values = [_value(entry) for entry in content] if isinstance(content, list) else given.get("token_logprobs")
    numbers = [_number(value) for value in values] if isinstance(values, list) else [None]
    return None if None in numbers else [number for number in numbers if number is not None]


def _number(value: object) -> float | None:
    """A logprob; NaN where it is not finite, in a number, in the text that strict JSON has for it, or as -9999."""
    if isinstance(value, str) and value in {"nan", "inf", "-inf"}:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) and value > LOWEST else math.nan


def _value(entry: object) -> object:
    return entry.get("logprob") if isinstance(entry, dict) else None
