"""Cuts of a real tokenizer's text: characters of several bytes, special tokens, and what no other tokens spell."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from token_difr.records import TokenSequence, TopKBatch
from token_difr.segmentation import LIKELIHOOD, Speller
from token_difr.segmentation.cuts import cuts
from token_difr.sequences import load_tokenizer

TOKENIZER: Any = load_tokenizer("demo")
SPELLER = Speller(TOKENIZER)


@given(st.text(max_size=12), st.data())
def test_every_cut_spells_the_same(text: str, data: st.DataObject) -> None:
    """Whatever tokens a row names."""
    tokens = TOKENIZER.encode(text, add_special_tokens=False, split_special_tokens=True)
    ids = st.lists(st.integers(0, len(TOKENIZER) - 1), min_size=1, max_size=5, unique=True)
    named = [data.draw(ids) for _ in tokens]
    rows = TopKBatch.from_rows(
        [[(token, -1.0) for token in row] for row in named], tokens, claimed_logprob=[-9.0] * len(tokens)
    )
    sequence = TokenSequence([5, 6], tokens)
    for cut in cuts(0, sequence, rows, LIKELIHOOD, SPELLER):
        assert TOKENIZER.decode([*sequence.prompt_token_ids, *cut.tokens]) == TOKENIZER.decode([5, 6, *tokens])


def test_special_tokens_stay() -> None:
    """Texts between them are cut apart from each other."""
    special = TOKENIZER.eos_token_id
    assert SPELLER.texts([special, 5, 6, special, special, 7]) == [slice(1, 3), slice(5, 6)]
    assert SPELLER.texts([]) == []


@pytest.mark.parametrize("text", [" the", "naïve", "🎉", "x"])
def test_beginnings(text: str) -> None:
    """Tokens that spell a beginning of the text, each one's own."""
    for token in SPELLER.beginnings(text):
        assert text.startswith(TOKENIZER.decode([token]))
