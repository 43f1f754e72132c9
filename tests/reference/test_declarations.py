"""What a dialect declares of itself is all that others need of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import get_args, get_type_hints

import numpy as np
import pytest

from token_difr import _core
from token_difr.cli.judges import ReferenceOptions
from token_difr.errors import BatchError
from token_difr.records import TokenSequence, TopKBatch
from token_difr.reference import DIALECTS, Reference
from token_difr.reference.batched import BatchedReference
from token_difr.reference.rows import Rows, RowsAsked, batch_of


@pytest.mark.parametrize("dialect", DIALECTS)
def test_each_dialect_names_a_parser_of_the_core(dialect: str) -> None:
    """An answer that is no JSON gets as far as the parser; a form that there is not would be named."""
    with pytest.raises(ValueError, match="is not JSON"):
        _core.parse(DIALECTS[dialect].form, b"", RowsAsked(np.array([1, 2], np.uint32), 1, 1))


def test_a_dialect_that_needs_a_tokenizer_names_tokens() -> None:
    """There would be nothing to need it for; and only then is the table of names made."""
    assert all(each.names_tokens for each in DIALECTS.values() if each.needs_tokenizer)


def test_the_command_line_lists_every_dialect() -> None:
    """``--help`` names those there are, from the table itself."""
    hints = get_type_hints(ReferenceOptions, include_extras=True)
    help_text = get_args(hints["reference_dialect"])[1].help

    assert [name for name in DIALECTS if name not in help_text] == []


def test_rows_need_one_an_output_token() -> None:
    """Rows for another number of tokens are an error, not a batch."""
    rows = Rows(
        indptr=np.array([0, 1], np.int64),
        token_ids=np.array([3], np.uint32),
        logprobs=np.array([-1.0], np.float32),
        claimed_logprob=np.array([np.nan], np.float32),
        claimed_rank=np.array([-1], np.int32),
    )

    assert len(batch_of(rows, np.array([1, 2], np.uint32), 1)) == 1
    with pytest.raises(BatchError, match="1 rows for 2 output tokens"):
        batch_of(rows, np.array([1, 2], np.uint32), 0)


class _InProcess(BatchedReference):
    """Gives every token itself; two sequences at a time."""

    dialect = "test"
    model = "none"
    topk_logprobs = 1

    def __init__(self) -> None:
        self.calls: list[int] = []

    def _batches(self, sequences: Sequence[TokenSequence], waiting: Sequence[int]) -> Iterator[list[int]]:
        del sequences
        for start in range(0, len(waiting), 2):
            yield list(waiting[start : start + 2])

    def _score(self, sequences: Sequence[TokenSequence]) -> list[TopKBatch]:
        self.calls.append(len(sequences))
        return [
            TopKBatch.from_rows([[(j, -0.5)] for j in each.output_token_ids], each.output_token_ids)
            for each in sequences
        ]


@pytest.fixture
def kept() -> tuple[list[int], Callable[[int, TopKBatch], None]]:
    """The indexes that were kept, and what keeps them."""
    indexes: list[int] = []
    return indexes, lambda index, _: indexes.append(index)


@pytest.mark.asyncio
async def test_models_in_process_score_what_is_missing(
    kept: tuple[list[int], Callable[[int, TopKBatch], None]],
) -> None:
    """Each missing sequence once, in batches; those that are here or empty are not asked for."""
    sequences = [TokenSequence(prompt_token_ids=[1], output_token_ids=[i] * (i != 2)) for i in range(6)]
    reference, (indexes, keep) = _InProcess(), kept
    answered = {4: reference._score([sequences[4]])[0]}
    reference.calls.clear()

    batch = await reference.topk(sequences, answered=answered, keep=keep, progress=False)

    assert reference.calls == [2, 2]
    assert sorted(indexes) == [0, 1, 2, 3, 5]
    assert batch.claimed.tolist() == [0, 1, 3, 4, 5]
    assert isinstance(reference, Reference)
    assert (reference.url, reference.echo_check) == (None, "in this process")
