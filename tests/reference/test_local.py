"""A model in this process."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest

from token_difr.demo_model import MODEL_FOLDER
from token_difr.errors import InputError
from token_difr.records import TokenSequence, TopKBatch
from token_difr.reference import LocalReference, VllmReference
from token_difr.services import open_client

torch = pytest.importorskip("torch")
K = 5


def from_server(url: str, sequences: list[TokenSequence]) -> TopKBatch:
    async def work() -> TopKBatch:
        async with open_client(url, max_retries=0) as client:
            return await VllmReference(client, "demo", topk_logprobs=K).topk(sequences, progress=False)

    return asyncio.run(work())


def assert_same(batch: TopKBatch, wanted: TopKBatch) -> None:
    assert batch.indptr.tolist() == wanted.indptr.tolist()
    assert batch.token_ids.tolist() == wanted.token_ids.tolist()
    assert batch.logprobs == pytest.approx(wanted.logprobs, abs=2e-3)
    assert batch.claimed_logprob == pytest.approx(wanted.claimed_logprob, abs=2e-3, nan_ok=True)
    assert batch.claimed_rank.tolist() == wanted.claimed_rank.tolist()
    assert batch.sequence_indptr.tolist() == wanted.sequence_indptr.tolist()


@pytest.mark.parametrize("options", [{}, {"vocabulary_slice": 300}, {"batch_size": 1}])
def test_same_rows_as_a_server(options: Any, demo_url: str, demo_sequences: list[TokenSequence]) -> None:
    """However the vocabulary and the batches are cut; sequences without output keep their place."""
    sequences = [*demo_sequences, TokenSequence([3], [])]
    reference = LocalReference(MODEL_FOLDER, topk_logprobs=K, **options)
    kept: dict[int, TopKBatch] = {}
    batch = asyncio.run(reference.topk(sequences, progress=False, keep=kept.__setitem__))

    assert_same(batch, from_server(demo_url, sequences))
    assert sorted(kept) == [0, 1, 2, 3]
    again = asyncio.run(reference.topk(sequences, progress=False, answered=kept))
    assert again.logprobs.tolist() == batch.logprobs.tolist()


def test_logits_that_are_more_than_a_product(demo_sequences: list[TokenSequence]) -> None:
    """A model that changes its logits at the end is run through its own forward pass."""
    from transformers import AutoModelForCausalLM

    plain = AutoModelForCausalLM.from_pretrained(MODEL_FOLDER, dtype=torch.float32)

    class Halved(type(plain)):  # type: ignore[misc]
        def forward(self, *arguments: Any, **named: Any) -> Any:
            """Halves the logits."""
            result = super().forward(*arguments, **named)
            result.logits = result.logits / 2
            return result

    reference = LocalReference(MODEL_FOLDER, topk_logprobs=K)
    plain.__class__ = Halved
    halved = LocalReference(plain, topk_logprobs=K)
    ours = asyncio.run(halved.topk(demo_sequences, progress=False))
    theirs = asyncio.run(reference.topk(demo_sequences, progress=False))

    differences = np.diff(ours.logprobs.reshape(-1, K)), np.diff(theirs.logprobs.reshape(-1, K))
    assert differences[0] == pytest.approx(differences[1] / 2, abs=2e-3)


def test_first_token_of_all_is_not_scored() -> None:
    """A sequence without a prompt has nothing before its first token: an empty row."""
    reference = LocalReference(MODEL_FOLDER, topk_logprobs=K)
    batch = asyncio.run(reference.topk([TokenSequence([], [5, 6]), TokenSequence([], [7])], progress=False))

    assert batch.indptr.tolist() == [0, 0, K, K]


def test_what_cannot_be_run(tmp_path: Any) -> None:
    """A folder without a model, an id beyond the vocabulary, a top-k beyond it."""
    with pytest.raises(InputError, match="cannot be loaded"):
        LocalReference(tmp_path)
    with pytest.warns(UserWarning, match="local gives at most 2048"):
        reference = LocalReference(MODEL_FOLDER, topk_logprobs=5000)
    with pytest.raises(InputError, match="id 9000 is beyond"):
        asyncio.run(reference.topk([TokenSequence([1], [9000])], progress=False))
