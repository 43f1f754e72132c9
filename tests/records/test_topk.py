"""TopKBatch: what it takes, what it makes of it, and what it says about what it cannot take."""

from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from token_difr import UNRESOLVED, BatchError, InputError, TopKBatch

VALID: dict[str, Any] = {
    "indptr": [0, 2, 2, 3],
    "token_ids": [7, 3, 5],
    "logprobs": [-0.25, -1.75, -0.5],
    "claimed": [7, 1, 9],
    "claimed_logprob": [np.nan, np.nan, -2.0],
    "claimed_rank": [-1, -1, 4],
    "sequence_indptr": [0, 1, 3],
    "prompt_lengths": [3, 0],
}


def test_lists_become_arrays_of_the_stated_types() -> None:
    """Whatever comes in, the arrays have the types of the module's table and cannot be written to."""
    batch = TopKBatch(**VALID)

    for name, dtype in [
        ("indptr", np.int64),
        ("token_ids", np.uint32),
        ("logprobs", np.float32),
        ("claimed", np.uint32),
        ("claimed_logprob", np.float32),
        ("claimed_rank", np.int32),
        ("sequence_indptr", np.int64),
        ("prompt_lengths", np.int64),
    ]:
        array = getattr(batch, name)
        assert array.dtype == dtype, name
        assert not array.flags.writeable, name
        np.testing.assert_array_equal(array, np.array(VALID[name], dtype))
    assert (len(batch), batch.n_sequences, batch.contiguous, batch.improper_rows) == (3, 2, True, 0)
    assert repr(batch) == "TopKBatch(2 sequences, 3 positions, 3 candidates)"


def test_what_is_left_out_is_unknown() -> None:
    """Without the optional arrays nothing is known of the claimed tokens, and all positions are one sequence."""
    batch = TopKBatch(indptr=[0, 1, 2], token_ids=[1, 2], logprobs=[-1, -2], claimed=[1, 2])

    assert np.isnan(batch.claimed_logprob).all()
    assert batch.claimed_rank.tolist() == [-1, -1]
    assert batch.sequence_indptr.tolist() == [0, 2]
    assert batch.prompt_lengths is None


def test_arrays_of_the_right_type_are_not_copied() -> None:
    """A batch borrows what it is given, and leaves the given array writable."""
    logprobs = np.array([-0.25, -1.75, -0.5], np.float32)
    batch = TopKBatch(**VALID | {"logprobs": logprobs})

    assert np.shares_memory(batch.logprobs, logprobs)
    assert logprobs.flags.writeable


def test_unsorted_rows_are_sorted_in_a_copy() -> None:
    """Rows come out by descending logprob, equal values by ascending id; the given arrays stay as they are."""
    token_ids = np.array([5, 9, 3, UNRESOLVED, 2], np.uint32)
    logprobs = np.array([-2, -1, -2, -1, -np.inf], np.float32)
    batch = TopKBatch(indptr=[0, 4, 5], token_ids=token_ids, logprobs=logprobs, claimed=[3, 2])

    assert batch.token_ids.tolist() == [9, UNRESOLVED, 3, 5, 2]
    assert batch.logprobs.tolist() == [-1, -1, -2, -2, -np.inf]
    assert token_ids.tolist() == [5, 9, 3, UNRESOLVED, 2]
    assert not batch.token_ids.flags.writeable


@pytest.mark.parametrize(
    "logprobs",
    [
        pytest.param(np.array([-0.25, -1.75, -0.5], np.float64), id="another type"),
        pytest.param(np.array([-0.25, 0, -1.75, 0, -0.5, 0], np.float32)[::2], id="strided"),
        pytest.param(np.array([-0.5, -1.75, -0.25], np.float32)[::-1], id="reversed"),
        pytest.param(np.array([-0.25, -1.75, -0.5], ">f4"), id="other byte order"),
        pytest.param(
            np.frombuffer(b"\0" + np.array([-0.25, -1.75, -0.5], np.float32).tobytes(), "<f4", 3, 1), id="unaligned"
        ),
        pytest.param((-0.25, -1.75, -0.5), id="a tuple"),
    ],
)
def test_arrays_of_any_layout_are_taken(logprobs: Any) -> None:
    """Strided, swapped, unaligned and other arrays hold the same numbers and give the same batch."""
    assert TopKBatch(**VALID | {"logprobs": logprobs}).logprobs.tolist() == [-0.25, -1.75, -0.5]


@pytest.mark.parametrize(
    ("spoiled", "message"),
    [
        ({"indptr": [0, 2, 1, 3]}, r"indptr\[2\] is 1, below the 2 before it"),
        ({"indptr": [[0, 2, 2, 3]]}, "indptr has 2 dimensions: it must be a flat array"),
        ({"token_ids": [7.0, 3.0, 5.0]}, "token_ids holds float64 values: it takes integers that fit uint32"),
        ({"token_ids": [7, -3, 5]}, r"token_ids\[1\] is -3: it takes integers from 0 to 4294967295"),
        ({"token_ids": [7, 2**32, 5]}, r"token_ids\[1\] is 4294967296: it takes"),
        ({"token_ids": [7, 7, 5]}, "token_ids names 7 twice at position 0"),
        ({"logprobs": ["a", "b", "c"]}, "logprobs holds <U1 values: it takes floats"),
        ({"logprobs": [[1], [2, 3]]}, "logprobs cannot be read as a flat array of numbers"),
        ({"logprobs": [-0.25, -1.75, np.nan]}, r"logprobs\[2\] \(position 2\) is NaN"),
        ({"logprobs": [-0.25, 1e300, -0.5]}, r"logprobs\[1\] \(position 0\) is inf"),
        ({"logprobs": [12.5, -1.75, -0.5]}, r"logprobs\[0\] \(position 0\) is 12.5, .*: take the log-softmax first"),
        ({"claimed": [7, UNRESOLVED, 9]}, r"claimed\[1\] is UNRESOLVED"),
        ({"claimed": [7, 1]}, "claimed_logprob has 3 entries|claimed has 2 entries"),
        ({"claimed_logprob": [np.nan, np.nan, -0.1]}, r"claimed_logprob\[2\] is -0.1, above the smallest logprob"),
        ({"claimed_rank": [0, 0, -2]}, r"claimed_rank\[2\] is -2"),
        ({"sequence_indptr": [0, 1, 2]}, "sequence_indptr ends at 2, but claimed has 3 entries"),
        ({"prompt_lengths": [3, -1]}, r"prompt_lengths\[1\] is -1"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(spoiled: dict[str, Any], message: str) -> None:
    """Each error is a BatchError, so an InputError and a ValueError, of one line that names array and place."""
    with pytest.raises(BatchError, match=message) as caught:
        TopKBatch(**VALID | spoiled)

    assert isinstance(caught.value, InputError)
    assert isinstance(caught.value, ValueError)
    assert "\n" not in str(caught.value)


def test_rows_as_python_objects() -> None:
    """``from_rows`` takes pairs, and None for a position without a row."""
    batch = TopKBatch.from_rows([[(7, -0.25), (3, -1.75)], None, [(5, -0.5)]], [7, 1, 9], sequence_indptr=[0, 1, 3])

    for name in ("indptr", "token_ids", "logprobs", "claimed", "sequence_indptr"):
        assert getattr(batch, name).tolist() == VALID[name], name


@pytest.mark.parametrize("row", [[1, 2], [(1,)], 5])
def test_rows_that_are_no_pairs_are_named(row: Any) -> None:
    """An entry that is no pair is an error with its position."""
    with pytest.raises(BatchError, match=r"rows\[1\] is not a list of \(token_id, logprob\) pairs"):
        TopKBatch.from_rows([None, row], [1, 2])


def test_no_positions() -> None:
    """Nothing is a batch too, with or without sequences."""
    assert len(TopKBatch.from_rows([], [])) == 0
    assert TopKBatch.from_rows([], [], sequence_indptr=[0]).n_sequences == 0
    assert TopKBatch.concatenate([]).n_sequences == 0


def test_concatenation_keeps_rows_and_sequences() -> None:
    """Batches come one after the other; what one does not know the whole does not know."""
    one = TopKBatch(**VALID)
    other = TopKBatch.from_rows([[(8, -1.0)]], [8], prompt_lengths=[5], contiguous=False)
    joined = TopKBatch.concatenate([one, other])

    assert joined.indptr.tolist() == [0, 2, 2, 3, 4]
    assert joined.token_ids.tolist() == [7, 3, 5, 8]
    assert joined.sequence_indptr.tolist() == [0, 1, 3, 4]
    assert joined.prompt_lengths is not None
    assert joined.prompt_lengths.tolist() == [3, 0, 5]
    assert not joined.contiguous
    assert TopKBatch.concatenate([one, TopKBatch.from_rows([], [])]).prompt_lengths is None


@pytest.mark.parametrize("spoiled", [{}, {"prompt_lengths": None}, {"contiguous": False}])
def test_arrays_survive_a_file(tmp_path: Path, spoiled: dict[str, Any]) -> None:
    """``to_arrays`` and ``from_arrays`` round-trip through an .npz file, NaN and infinities included."""
    batch = TopKBatch(**VALID | {"logprobs": [-0.25, -np.inf, -0.5]} | spoiled)
    path = tmp_path / "batch.npz"
    np.savez(path, allow_pickle=False, **batch.to_arrays())
    with np.load(path) as arrays:
        again = TopKBatch.from_arrays(arrays)

    assert again.contiguous == batch.contiguous
    for name in VALID:
        np.testing.assert_array_equal(getattr(again, name), getattr(batch, name))


def test_missing_arrays_are_named() -> None:
    """Arrays that make no batch say what they lack."""
    with pytest.raises(BatchError, match="the arrays of a batch lack logprobs, claimed"):
        TopKBatch.from_arrays({"indptr": np.array([0]), "token_ids": np.array([])})


def test_a_batch_cannot_be_changed_and_can_be_pickled() -> None:
    """Its attributes are frozen, its arrays read-only; workers get it by pickle."""
    batch = TopKBatch(**VALID)

    with pytest.raises(FrozenInstanceError):
        batch.claimed = np.array([1])  # type: ignore[misc]
    with pytest.raises(ValueError, match="read-only"):
        batch.claimed[0] = 1
    assert pickle.loads(pickle.dumps(batch)).token_ids.tolist() == [7, 3, 5]  # noqa: S301


def test_torch_tensors_are_taken() -> None:
    """A tensor on the CPU is an array like any other."""
    torch = pytest.importorskip("torch")

    assert TopKBatch(**VALID | {"claimed": torch.tensor([7, 1, 9])}).claimed.tolist() == [7, 1, 9]
