"""Tokens that a request rules out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from token_difr.server.generation.sampling import SamplingSettings, TokenSampler
from token_difr.server.generation.sampling.masks import NoTokenLeftError

LOGITS = np.array([5, 4, 3, 2, 1], dtype=np.float32)


@pytest.mark.parametrize(
    ("settings", "output", "token"),
    [
        ({}, [], 0),
        ({"allowed_token_ids": (3, 4)}, [], 3),
        ({"min_tokens": 2, "end_token_ids": frozenset({0, 1})}, [], 2),
        ({"min_tokens": 2, "end_token_ids": frozenset({0, 1})}, [2], 2),
        ({"min_tokens": 2, "end_token_ids": frozenset({0, 1})}, [2, 2], 0),
        ({"bad_words": ((0,),)}, [], 1),
        ({"bad_words": ((7, 0),)}, [], 0),
        ({"bad_words": ((7, 0),)}, [7], 1),
        ({"bad_words": ((7, 8, 0),)}, [8], 0),
        ({"bad_words": ((7, 8, 0),)}, [6, 7, 8], 1),
        ({"bad_words": ((0,), (1,)), "allowed_token_ids": (0, 1, 4)}, [], 4),
        ({"allowed_token_ids": (3,), "repetition_penalty": 2.0, "logit_bias": {0: 100}}, [3], 3),
    ],
)
@pytest.mark.parametrize("temperature", [0.0, 1e-3])
def test_ruled_out_tokens_are_never_chosen(
    settings: dict[str, Any], output: list[int], token: int, temperature: float
) -> None:
    """The likeliest of what is left, at every temperature and beside penalties."""
    sampler = TokenSampler(SamplingSettings(temperature=temperature, **settings), len(LOGITS))

    assert sampler.choose(LOGITS, [4], output) == token


def test_nothing_left_is_an_error() -> None:
    """Not a token that was ruled out."""
    settings = SamplingSettings(allowed_token_ids=(2,), bad_words=((2,),))
    with pytest.raises(NoTokenLeftError):
        TokenSampler(settings, len(LOGITS)).choose(LOGITS, [0], [])
