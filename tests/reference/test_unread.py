"""A sequence that the reference cannot read does not cost the others; too many of them, or a fault of the whole, do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from token_difr.errors import (
    AnswerError,
    AuthenticationError,
    BatchError,
    EndpointError,
    EndpointUnreachableError,
    RowCountError,
    RowsError,
    UnknownModelError,
)
from token_difr.records import TokenSequence, TopKBatch
from token_difr.reference import Reference, Unread, VllmReference, is_of_one_sequence
from token_difr.reference.batched import BatchedReference
from token_difr.services import open_client


def sequences(count: int) -> list[TokenSequence]:
    return [TokenSequence([1, 2], [10 + index, 3]) for index in range(count)]


def rows_of(sequence: TokenSequence) -> TopKBatch:
    claimed = sequence.output_token_ids
    return TopKBatch.from_rows([[(token, -0.5)] for token in claimed], claimed, prompt_lengths=[2])


class Choosy(Reference):
    """Raises what it is told to for the sequences at some indexes.

    Attributes:
        asked: The indexes that it was asked for.
    """

    url, model, dialect, topk_logprobs = "http://reference/v1", "m", "vllm", 1

    def __init__(self, failing: dict[int, Exception]) -> None:
        self.failing = failing
        self.asked: list[int] = []

    async def rows(self, sequence: TokenSequence, *, tag: str) -> TopKBatch:
        """The rows, or the error."""
        index = int(tag.removeprefix("reference-"))
        self.asked.append(index)
        await asyncio.sleep(0)
        if index in self.failing:
            raise self.failing[index]
        return rows_of(sequence)


class RefusedError(Exception):
    """Stands for the SDK's error of an HTTP status."""

    def __init__(self, status: int) -> None:
        super().__init__(f"HTTP {status}")
        self.status_code = status


def refused(status: int, words: str, kind: type[EndpointError] = EndpointError) -> EndpointError:
    error = kind(f"http://reference/v1 answered HTTP {status}: {words}")
    error.__cause__ = RefusedError(status)
    return error


@pytest.mark.parametrize(
    ("error", "is_its_own"),
    [
        (RowsError("the reference read other tokens than those sent: at position 3"), True),
        (RowsError("the reference gives no logprobs for the token at position 4"), True),
        (RowsError("the ids were not echoed"), True),
        (RowCountError("4 rows for 5 tokens"), True),
        (refused(400, "This model's maximum context length is 4096 tokens, you requested 5000"), True),
        (refused(413, "payload too large"), True),
        (refused(422, "token id 151999 is out of vocabulary"), True),
        (refused(403, "your input was flagged"), True),
        (refused(400, "prompt_logprobs of 50 is greater than max allowed: 20"), False),
        (refused(422, "logprobs must be at most 5"), False),
        (refused(400, "model m2 does not exist", UnknownModelError), False),
        (refused(401, "bad key", AuthenticationError), False),
        (refused(402, "no credit"), False),
        (refused(404, "no such path"), False),
        (refused(429, "slow down"), False),
        (refused(500, "out of memory"), False),
        (refused(503, "overloaded"), False),
        (AnswerError("http://reference/v1 answered a web page, not JSON"), False),
        (AnswerError("http://reference/v1 answered HTTP 200 with an error inside (HTTP 502): upstream failed"), False),
        (refused(502, "an error inside of HTTP 200", AnswerError), False),
        (refused(400, "an error inside of HTTP 200: too long", AnswerError), True),
        (EndpointUnreachableError("did not answer in time"), False),
    ],
)
def test_whose_fault(error: EndpointError, is_its_own: bool) -> None:
    """What a sequence holds, and what was read of it, is its own; all else would meet the others too."""
    assert is_of_one_sequence(error) is is_its_own


@pytest.mark.parametrize("concurrency", [1, 8])
@pytest.mark.parametrize("places", [(0,), (19,), (0, 1), (3, 17)])
def test_a_tenth_may_be_unread(places: tuple[int, ...], concurrency: int) -> None:
    """Wherever they stand, all others are read and kept, and each of them says why it was not."""
    judge = Choosy({index: RowsError(f"not {index}") for index in places})
    kept: dict[int, TopKBatch] = {}
    read = asyncio.run(judge.read(sequences(20), concurrency=concurrency, keep=kept.__setitem__, progress=False))

    assert sorted(read) == list(range(20))
    assert {index: rows.reason for index, rows in read.items() if isinstance(rows, Unread)} == {
        index: f"not {index}" for index in places
    }
    assert sorted(kept) == [index for index in range(20) if index not in places]


@pytest.mark.parametrize(
    ("count", "failing", "kind"), [(20, 3, AnswerError), (9, 1, AnswerError), (100, 11, EndpointError)]
)
def test_more_are_an_error(count: int, failing: int, kind: type[EndpointError]) -> None:
    """It says how many, which first, why and what to do; it is of the first one's type; no more are sent."""
    judge = Choosy({index: refused(400, f"too long by {index}", kind) for index in range(5, 5 + failing)})
    kept: dict[int, TopKBatch] = {}
    with pytest.raises(kind) as caught:
        asyncio.run(judge.read(sequences(count), concurrency=2, keep=kept.__setitem__, progress=False))
    assert str(caught.value).startswith(
        f"the reference could not read {failing} of {count} sequences as they were sent, and at most 10% may be left out; "
        "the first is that of prompt 5: http://reference/v1 answered HTTP 400: too long by 5. Are its model"
    )
    assert str(caught.value).endswith("the same again asks only for what is missing")
    assert caught.value.__cause__ is judge.failing[5]
    assert {0, 1, 2, 3, 4} <= kept.keys()
    assert len(judge.asked) < 5 + failing + 2


@pytest.mark.parametrize(
    "error", [refused(401, "bad key", AuthenticationError), refused(402, "no credit"), RuntimeError("a fault of ours")]
)
def test_faults_of_the_whole_end_it_at_once(error: Exception) -> None:
    """However few have met them."""
    judge = Choosy({1: RowsError("its own"), 4: error})
    with pytest.raises(type(error)):
        asyncio.run(judge.read(sequences(100), concurrency=1, progress=False))
    assert judge.asked == [0, 1, 2, 3, 4]


def test_a_server_that_fails_is_asked_again() -> None:
    """Nothing is left out for good that the same command may have the next time."""
    judge = Choosy({7: refused(503, "overloaded"), 8: RowsError("its own")})
    with pytest.raises(EndpointError, match=r"1 of 100 requests failed, the first because: .*overloaded"):
        asyncio.run(judge.read(sequences(100), progress=False))


def test_refused_logprobs_end_it_after_the_first_requests() -> None:
    """All others ask for as many."""
    judge = Choosy({index: refused(400, "logprobs: at most 5") for index in range(100)})
    with pytest.raises(EndpointError, match=r"at most 5.* were not sent"):
        asyncio.run(judge.read(sequences(100), concurrency=4, progress=False))
    assert len(judge.asked) <= 8


def test_rows_of_all_are_all_or_nothing() -> None:
    """Whoever asks for the rows of all sequences gets them, or an error."""
    judge = Choosy({2: RowsError("its own")})
    with pytest.raises(RowsError, match="1 of 20 requests failed, the first because: its own"):
        asyncio.run(judge.topk(sequences(20), progress=False))
    assert len(judge.asked) == 20


class OneSpoilsTheBatch(BatchedReference):
    """Two sequences at a time; a batch with the token 13 in it fails as a whole."""

    dialect, model, topk_logprobs = "test", "m", 1

    def __init__(self, error: Exception) -> None:
        self.error = error

    def _batches(self, sequences: Any, waiting: Any) -> Any:
        del sequences
        return (list(waiting[start : start + 2]) for start in range(0, len(waiting), 2))

    def _score(self, sequences: Any) -> list[TopKBatch]:
        if any(13 in sequence.output_token_ids for sequence in sequences):
            raise self.error
        return [rows_of(sequence) for sequence in sequences]


@pytest.mark.parametrize("error", [RowsError("1 rows for 2 tokens"), BatchError("logprobs[3] is nan")])
def test_models_in_this_process(error: Exception) -> None:
    """The neighbors in the batch of a sequence that cannot be read are read by themselves."""
    kept: dict[int, TopKBatch] = {}
    read = asyncio.run(OneSpoilsTheBatch(error).read(sequences(20), keep=kept.__setitem__, progress=False))
    lost = [index for index, rows in read.items() if isinstance(rows, Unread)]
    assert lost == [3]
    assert sorted(kept) == [index for index in range(20) if index != 3]


def change_row(choice: dict[str, Any]) -> None:
    choice["prompt_logprobs"][3] = {"7": {"logprob": -1.0, "rank": 1}}


@pytest.mark.parametrize(
    "change",
    [
        change_row,
        lambda choice: choice["prompt_logprobs"].pop(),
        lambda choice: choice["prompt_logprobs"].__setitem__(3, None),
        lambda choice: choice["prompt_token_ids"].__setitem__(2, 99),
        lambda choice: choice["prompt_token_ids"].pop(),
        lambda choice: choice.pop("prompt_logprobs"),
        lambda choice: choice["prompt_logprobs"][3]["3"].update(logprob=float("nan")),
    ],
)
def test_one_odd_answer_of_a_server(endpoint: Any, change: Callable[[dict[str, Any]], object]) -> None:
    """Over HTTP: rows for other tokens, too few, missing ones, other ids echoed, none at all, no logprobs."""

    def answer(path: str, body: dict[str, Any]) -> tuple[int, Any]:
        status, completion = endpoint.honest(path, body)
        if 15 in body["prompt"]:
            change(completion["choices"][0])
        return status, completion

    endpoint.answer = answer
    read = read_over_http(endpoint)
    assert isinstance(read[5], Unread)
    assert "reference 5: " in read[5].reason
    batch = TopKBatch.concatenate([rows for rows in read.values() if isinstance(rows, TopKBatch)])
    assert np.diff(batch.sequence_indptr).tolist() == [2] * 9


def test_one_sequence_that_is_too_long(endpoint: Any) -> None:
    """A refusal by its HTTP status."""
    endpoint.answer = lambda path, body: (
        (400, {"error": {"message": "maximum context length is 3 tokens"}})
        if 15 in body["prompt"]
        else endpoint.honest(path, body)
    )
    read = read_over_http(endpoint)
    assert [index for index, rows in read.items() if isinstance(rows, Unread)] == [5]


def read_over_http(endpoint: Any) -> dict[int, TopKBatch | Unread]:
    async def work() -> dict[int, TopKBatch | Unread]:
        async with open_client(endpoint.url, max_retries=0) as client:
            return await VllmReference(client, "m", topk_logprobs=2).read(sequences(10), progress=False)

    return asyncio.run(work())
