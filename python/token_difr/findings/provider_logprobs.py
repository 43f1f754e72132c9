"""The provider's own logprobs of its output against the reference's."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from token_difr.findings.evidence import Evidence
from token_difr.records import Finding, Response, TopKBatch
from token_difr.services import own_logprobs

__all__ = ["claimed_logprobs", "provider_logprobs", "sampled_logprobs"]

NAME = "provider_logprobs"
FAR = 0.1
"""Nats by which two logprobs of one token differ more than numerical noise lets them."""
MANY = 0.05
"""Share of such tokens from which on they are a warning."""


def provider_logprobs(evidence: Evidence) -> Finding | None:
    """Logprobs that came with the answers, token by token, against the reference's of the same tokens.

    Only answers with one logprob a token count. A warning where more than one token in twenty is far off, at temperature
    0 or at 1 without filters: the provider computes with other weights than the reference, and should be asked which it
    serves. Some engines give logprobs after temperature and filters: at other parameters a difference says little.
    """
    if not evidence.audit.asking.logprobs and not any(sampled_logprobs(r) for r in evidence.responses):
        return None
    differences = _differences(evidence)
    if not len(differences):
        text = "the provider gave no logprobs that belong to its tokens one by one"
        return Finding.of(NAME, text, {"tokens": 0}, warning=False)
    far = float((differences > FAR).mean())
    params = evidence.audit.params
    plain = params.greedy or (params.temperature == 1 and not params.top_k and params.top_p == 1 and not params.min_p)
    caveat = "" if plain else "; some engines give them after temperature and filters, so that this says little"
    text = (
        f"the provider's logprobs of its own tokens are {differences.mean():.4f} nats from the reference's on "
        f"average, {far:.1%} of them by more than {FAR}{caveat}"
    )
    figures = {
        "tokens": len(differences),
        "mean_absolute_difference": float(differences.mean()),
        "largest": float(differences.max()),
        "share_far": far,
    }
    return Finding.of(NAME, text, figures, warning=far > MANY and plain)


def _differences(evidence: Evidence) -> NDArray[np.float64]:
    """float64[tokens], nats: how far the two logprobs of each token are apart, where both are finite."""
    ours, ends = claimed_logprobs(evidence.batch), evidence.batch.sequence_indptr
    pairs = [np.zeros(0)]
    for i, response in enumerate(evidence.responses):
        theirs, mine = sampled_logprobs(response), ours[ends[i] : ends[i + 1]]
        if theirs and len(mine) - len(theirs) in {0, 1}:  # the end token may have none
            pairs.append(np.abs(np.array(theirs) - mine[: len(theirs)]))
    differences: NDArray[np.float64] = np.concatenate(pairs)
    finite: NDArray[np.float64] = differences[np.isfinite(differences)]
    return finite


def claimed_logprobs(batch: TopKBatch) -> NDArray[np.float64]:
    """float64[positions]: the reference's logprob of each claimed token; NaN where it is unknown."""
    values = batch.claimed_logprob.astype(np.float64)
    owners = np.repeat(np.arange(len(batch.claimed)), np.diff(batch.indptr))
    inside = batch.token_ids == batch.claimed[owners]
    values[owners[inside]] = batch.logprobs[inside]
    return values


def sampled_logprobs(response: Response) -> list[float] | None:
    """A provider's logprobs of its output, one a token; NaN where one is not finite, None where there are none.

    See :func:`~token_difr.services.own_logprobs`.
    """
    return own_logprobs(response.choice)
