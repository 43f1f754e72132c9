"""Kind 13: unlike quantities that were compared without a word."""

from __future__ import annotations

import numpy as np
import pytest

from token_difr.errors import InputError
from token_difr.mismatch.quantities import compared
from token_difr.records import SamplingParams, TopKBatch
from token_difr.sampler import Sampler
from token_difr.scores import score
from token_difr.verdict import decide

COLD = SamplingParams(temperature=0.6)
LOGITS = np.random.default_rng(5).normal(scale=4.0, size=(40, 200))
OWN = LOGITS - np.logaddexp.reduce(LOGITS, axis=1, keepdims=True)
DRAWN = OWN / COLD.temperature - np.logaddexp.reduce(OWN / COLD.temperature, axis=1, keepdims=True)
CLAIMED = OWN.argmax(axis=1)


def rows(size: int) -> TopKBatch:
    """The top of each row, around the likeliest token."""
    order = np.argsort(-OWN, axis=1)[:, :size]
    tops = [[(int(v), float(row[v])) for v in top] for row, top in zip(OWN, order, strict=True)]
    return TopKBatch.from_rows(tops, CLAIMED.tolist(), sequence_indptr=[0, len(CLAIMED)], prompt_lengths=[3])


def test_logprobs_after_temperature_beside_raw_ones() -> None:
    """One and the same model agrees with itself at T = 0.6, and the words say what was compared."""
    told = DRAWN[np.arange(len(CLAIMED)), CLAIMED]
    like = compared([told], rows(40), COLD, vocab_size=200)
    assert np.nanmax(np.abs(np.concatenate(like.trainer) - told)) < 6e-3
    assert "the draw, at temperature" in like.words


def test_rows_that_do_not_tell_are_refused() -> None:
    """In place of a figure: above temperature 1 a short row tells nothing of the draw."""
    told = OWN[np.arange(len(CLAIMED)), CLAIMED]
    with pytest.raises(InputError, match="too short"):
        compared([told], rows(20), SamplingParams(temperature=1.5))


def test_one_run_replayed_and_one_not() -> None:
    """They are no pair."""
    batch, params = rows(5), SamplingParams(temperature=1.0, seed=1)
    replayed = score(batch, params, sampler=Sampler.for_engine("vllm", "0.33"))
    unreplayed = score(batch, params)
    for sides in ((replayed, unreplayed), (unreplayed, replayed)):
        with pytest.raises(InputError, match="alone was scored with its noise replayed"):
            decide(*sides)
