"""Hugging Face's own sampling, replayed from the logits that it sampled from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import token_difr
from token_difr import Sampler, SamplingParams, ScoreStatus, TopKBatch, score

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

SHOWN = 24
MODEL = Path(token_difr.__file__).parent / "demo" / "model"


@pytest.fixture(scope="module")
def model() -> Any:
    """The demo model."""
    return transformers.AutoModelForCausalLM.from_pretrained(MODEL, dtype=torch.float32)


def generate(model: Any, prompts: NDArray[np.int64], tokens: int, seed: int, params: SamplingParams) -> Any:
    """Tokens int64[sequences, tokens] and log-softmax of the raw logits [sequences, tokens, vocabulary]."""
    torch.manual_seed(seed)
    output = model.generate(
        torch.from_numpy(prompts),
        attention_mask=torch.ones(prompts.shape, dtype=torch.long),
        do_sample=True,
        temperature=params.temperature,
        top_k=params.top_k,
        top_p=params.top_p,
        min_p=params.min_p or None,
        max_new_tokens=tokens,
        min_new_tokens=tokens,
        eos_token_id=None,
        pad_token_id=0,
        use_cache=True,
        return_dict_in_generate=True,
        output_logits=True,
    )
    logits = torch.stack(output.logits, 1).double()
    return output.sequences[:, prompts.shape[1] :].numpy(), torch.log_softmax(logits, -1).numpy()


def batch_of(tokens: NDArray[np.int64], logprobs: NDArray[np.float64], prompt: int) -> TopKBatch:
    """The top of each distribution."""
    sequences, length = tokens.shape
    order = np.argsort(-logprobs, axis=-1, kind="stable")[..., :SHOWN]
    return TopKBatch(
        indptr=np.arange(0, tokens.size * SHOWN + 1, SHOWN),
        token_ids=order.ravel(),
        logprobs=np.take_along_axis(logprobs, order, -1).ravel(),
        claimed=tokens.ravel(),
        sequence_indptr=np.arange(0, tokens.size + 1, length),
        prompt_lengths=np.full(sequences, prompt),
    )


@pytest.mark.parametrize(("batch_size", "calls"), [(1, 2), (4, 1), (8, 1)])
@pytest.mark.parametrize(
    "params",
    [
        SamplingParams(temperature=1.0, top_k=20, top_p=0.95),
        SamplingParams(temperature=0.7, top_k=20),
        SamplingParams(temperature=1.3, top_k=20, top_p=0.9, min_p=0.02),
    ],
    ids=lambda params: f"T={params.temperature}",
)
def test_generate_is_reproduced_token_by_token(model: Any, batch_size: int, calls: int, params: SamplingParams) -> None:
    """``generate(do_sample=True)`` in batches of one, of four and of eight: each token is the replay's."""
    rng = np.random.default_rng([batch_size, calls])
    prompt, length = 16, 132
    seeds = range(calls)
    answers = []
    for seed in seeds:
        prompts = rng.integers(10, 2000, size=(batch_size, prompt))
        answers.append(generate(model, prompts, length, seed, params))
    tokens, logprobs = (np.concatenate(column) for column in zip(*answers, strict=True))
    batch = batch_of(tokens, logprobs, prompt)
    seeded = SamplingParams(
        temperature=params.temperature,
        top_k=params.top_k,
        top_p=params.top_p,
        min_p=params.min_p,
        seed=tuple(np.repeat(seeds, batch_size).tolist()),
    )
    sampler = Sampler.for_engine("torch-cpu", torch.__version__, batch_size=batch_size)
    width = logprobs.shape[-1]
    scores = score(batch, seeded, sampler=sampler, vocab_size=width)

    assert len(batch) == len(seeds) * batch_size * length
    assert (scores.status == ScoreStatus.SCORED).all()
    assert scores.exact_match.all()
    other = score(
        batch, SamplingParams(temperature=params.temperature, top_k=20, seed=99), sampler=sampler, vocab_size=width
    )
    assert other.exact_match.mean() < 0.9
