"""Answers from bytes to arrays: against a plain reading of the same JSON, and with bytes that are no answer at all."""

from __future__ import annotations

import json
import math
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from token_difr import _core
from token_difr.records import UNRESOLVED
from token_difr.reference import vocabulary_of
from token_difr.reference.rows import RowsAsked, batch_of
from token_difr.sequences import load_tokenizer
from token_difr.untrusted import LOWEST, read_logprob

K = 3
LOGPROBS = st.floats(-50, 0, width=32)


@st.composite
def answers(draw: st.DrawFn) -> tuple[list[int], int, list[tuple[float, dict[int, float]]]]:
    """Tokens, the prompt's length, and of each token its own logprob and the top k."""
    sent = draw(st.lists(st.integers(0, 2000), min_size=2, max_size=7))
    rows = []
    for token in sent:
        top = draw(st.dictionaries(st.integers(0, 2000), LOGPROBS, min_size=K, max_size=K))
        own = top[token] if token in top else min(top.values()) - draw(st.floats(0, 5, width=32))
        rows.append((own, top))
    return sent, draw(st.integers(1, len(sent) - 1)), rows


def parsed(rows: Any) -> list[tuple[dict[int, float], float]]:
    pairs = list(zip(rows.token_ids.tolist(), rows.logprobs.tolist(), strict=True))
    return [
        (dict(pairs[start:end]), float(own))
        for start, end, own in zip(rows.indptr[:-1], rows.indptr[1:], rows.claimed_logprob, strict=True)
    ]


def expected(sent: list[int], start: int, rows: list[tuple[float, dict[int, float]]]) -> list[Any]:
    return [
        (top, math.nan if token in top else pytest.approx(own, abs=1e-5))
        for token, (own, top) in zip(sent[start:], rows[start:], strict=True)
    ]


def check(found: Any, sent: list[int], start: int, rows: list[tuple[float, dict[int, float]]]) -> None:
    for (row, own), (top, wanted) in zip(parsed(found), expected(sent, start, rows), strict=True):
        assert row == pytest.approx(top, abs=1e-5)
        assert own == wanted or (math.isnan(own) and isinstance(wanted, float))
    batch_of(found, np.array(sent, np.uint32), start)


def vllm_answer(sent: list[int], rows: list[tuple[float, dict[int, float]]]) -> bytes:
    lists: list[Any] = [None]
    for token, (own, top) in list(zip(sent, rows, strict=True))[1:]:
        entries = {token: own, **top}
        lists.append({str(i): {"rank": 1, "logprob": x, "decoded_token": "é"} for i, x in entries.items()})
    return json.dumps({"choices": [{"prompt_logprobs": lists, "prompt_token_ids": sent}]}).encode()


def content_answer(sent: list[int], rows: list[tuple[float, dict[int, float]]]) -> bytes:
    content = [
        {
            "token": "é",
            "logprob": own,
            "token_id": token,
            "top_logprobs": [{"token": "x", "token_id": i, "logprob": x} for i, x in top.items()],
        }
        for token, (own, top) in zip(sent, rows, strict=True)
    ]
    return json.dumps({"choices": [{"logprobs": {"content": content}}]}, ensure_ascii=False).encode()


def sglang_answer(sent: list[int], rows: list[tuple[float, dict[int, float]]]) -> bytes:
    own = [[None if j == 0 else rows[j][0], token, None] for j, token in enumerate(sent)]
    top = [None, *([[x, i, None] for i, x in row.items()] for _, row in rows[1:])]
    return json.dumps({"meta_info": {"input_top_logprobs": top, "input_token_logprobs": own}}).encode()


def legacy_answer(sent: list[int], rows: list[tuple[float, dict[int, float]]]) -> bytes:
    lists = {
        "top_logprobs": [None, *({f"token_id:{i}": x for i, x in top.items()} for _, top in rows[1:])],
        "tokens": [f"token_id:{token}" for token in sent],
        "token_logprobs": [None, *(own for own, _ in rows[1:])],
    }
    return json.dumps({"choices": [{"logprobs": lists}]}).encode()


@given(answers())
def test_every_dialect_reads_what_was_written(answer: tuple[Any, int, Any]) -> None:
    """Rows and claimed logprobs of random answers, in four dialects."""
    sent, start, rows = answer
    tokens = np.array(sent, np.uint32)
    asked = RowsAsked(tokens, start, K)
    check(_core.parse("vllm", vllm_answer(sent, rows), asked), sent, start, rows)
    check(_core.parse("sglang", sglang_answer(sent, rows), asked), sent, start, rows)
    for first in (0, start):
        body = content_answer(sent[first:], rows[first:])
        check(_core.parse("content", body, asked._replace(first=first)), sent, start, rows)
    check(_core.parse("legacy", legacy_answer(sent, rows), asked), sent, start, rows)


@given(answers(), st.data())
def test_damaged_answers_are_errors_or_rows(answer: tuple[Any, int, Any], data: st.DataObject) -> None:
    """Cut, spliced or overwritten bytes: ValueError, or arrays of the right shape; never anything else."""
    sent, start, rows = answer
    tokens = np.array(sent, np.uint32)
    asked = RowsAsked(tokens, start, K)
    parsers: list[Any] = [
        (vllm_answer, "vllm", asked),
        (sglang_answer, "sglang", asked),
        (content_answer, "content", asked),
        (legacy_answer, "legacy", asked),
        (content_answer, "next-token", RowsAsked(tokens[:2], 1, K)),
    ]
    for write, form, about in parsers:
        body = bytearray(write(sent, rows))
        place = data.draw(st.integers(0, len(body) - 1))
        body[place : place + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=6))
        body = body[: data.draw(st.sampled_from([len(body), place]))]
        try:
            found = _core.parse(form, bytes(body), about)
        except ValueError as error:
            assert "\n" not in str(error)  # noqa: PT017 - both ends are allowed
        else:
            assert len(found.indptr) - 1 == len(found.claimed_logprob) == len(found.claimed_rank)
            assert found.indptr[-1] == len(found.token_ids) == len(found.logprobs)


@given(st.binary(max_size=60))
@example(b"")
@example(b"\xff\xfe")
@example(b'{"choices":' + b"[" * 5000)
def test_bytes_that_are_no_answer(body: bytes) -> None:
    """Always a ValueError with one line."""
    asked = RowsAsked(np.array([1, 2], np.uint32), 1, K)
    for form in ("vllm", "sglang", "content", "legacy"):
        with pytest.raises(ValueError, match=r"\A[^\n]+\Z"):
            _core.parse(form, body, asked)


def test_lengths_that_contradict_each_other() -> None:
    """A prompt longer than what was sent is the caller's fault, and named."""
    with pytest.raises(ValueError, match="5 tokens of prompt"):
        _core.parse("vllm", b"{}", RowsAsked(np.array([1], np.uint32), 5, K))


def test_a_form_that_there_is_not() -> None:
    """It is named, with those there are."""
    with pytest.raises(ValueError, match='called "tgi"; known: vllm, content, legacy, sglang, next-token'):
        _core.parse("tgi", b"{}", RowsAsked(np.array([1], np.uint32), 1, K))


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    """The demo model's tokenizer."""
    return load_tokenizer("demo")


def test_every_token_by_its_piece_and_its_text(tokenizer: Any) -> None:
    """A piece is one token; a text is one or, where several share it, that of the claimed token."""
    backend = tokenizer.backend_tokenizer
    size = backend.get_vocab_size(with_added_tokens=True)
    vocabulary = vocabulary_of(tokenizer)
    ids = np.arange(size, dtype=np.uint32)
    pieces = [backend.id_to_token(int(token)) for token in ids]
    texts = [backend.decode([int(token)], skip_special_tokens=False) for token in ids]
    by_piece, by_text = vocabulary.resolve(pieces), vocabulary.resolve(texts)

    names = Counter(name for token in ids for name in {pieces[token], texts[token]})

    assert len(vocabulary) == size
    assert ((by_piece == ids) == np.array([names[piece] == 1 for piece in pieces])).all()
    assert ((by_text == ids) == np.array([names[text] == 1 for text in texts])).all()
    assert set(by_text[by_text != ids].tolist()) == {UNRESOLVED}
    assert (vocabulary.resolve(texts, ids) == ids).all()
    assert vocabulary.resolve(["no such token at all"], ids[:1]).tolist() == [UNRESOLVED]


def test_sentencepiece_names() -> None:
    """``▁`` pieces, byte pieces, and texts that lose their leading space: shared names are nobody's."""
    pieces = ["▁return", "return", "<0xE2>", "<0x0A>", "▁a", "</s>"]
    texts = ["return", "return", "\N{REPLACEMENT CHARACTER}", "\n", "a", "</s>"]
    vocabulary = _core.Vocabulary(pieces, texts, [False] * 5 + [True], False)

    named = ["▁return", " return", "return", "<0xE2>", "\n", "a", " a", "</s>", "", "x"]
    assert vocabulary.resolve(named).tolist() == [0, 0, UNRESOLVED, 2, 3, 4, 4, 5, UNRESOLVED, UNRESOLVED]
    claimed = np.array([1, 1, 1], np.uint32)
    assert vocabulary.resolve(["return", " return", "x"], claimed).tolist() == [1, 0, UNRESOLVED]


@pytest.mark.parametrize("lowest", [str(LOWEST), "-9999.5", "-3.4028235e38", "-1e30", "-1e400"])
def test_what_stands_for_minus_infinity(lowest: str) -> None:
    """In rows and beside them: a number of that size is no logprob of any token."""
    top = '{"7": {"logprob": -0.1}, "8": {"logprob": LOW}}'
    outside = '{"1": {"logprob": -0.1}, "2": {"logprob": -0.2}, "9": {"logprob": LOW, "rank": 5}}'
    answer = f'{{"choices": [{{"prompt_token_ids": [5, 7, 9], "prompt_logprobs": [null, {top}, {outside}]}}]}}'
    sent = np.array([5, 7, 9], np.uint32)
    rows = _core.parse("vllm", answer.replace("LOW", lowest).encode(), RowsAsked(sent, 1, 2))
    assert (rows.logprobs[1], rows.claimed_logprob[1]) == (-math.inf, -math.inf)
    batch = batch_of(rows, sent, 1)
    assert batch.logprobs.tolist()[1] == -math.inf
    assert batch.claimed_logprob.tolist()[1] == -math.inf


def test_the_lowest_logprob_is_the_same_for_the_core_and_for_python() -> None:
    """What lies just above it is a logprob on both sides."""
    number = LOWEST + 0.5
    answer = (
        f'{{"choices": [{{"prompt_token_ids": [5, 7], "prompt_logprobs": [null, {{"7": {{"logprob": {number}}}}}]}}]}}'
    )
    rows = _core.parse("vllm", answer.encode(), RowsAsked(np.array([5, 7], np.uint32), 1, 1))
    assert rows.logprobs.tolist() == [number] == [read_logprob(number)]
    assert math.isnan(read_logprob(LOWEST) or 0.0)


@pytest.mark.parametrize("written", ["NaN", "Infinity", "1e400", "0.5", "true", '"x"', "null", "9" * 400])
def test_what_is_no_logprob(written: str) -> None:
    """It is an error, and no row."""
    rows = f'[null, {{"7": {{"logprob": {written}}}}}]'
    answer = f'{{"choices": [{{"prompt_token_ids": [5, 7], "prompt_logprobs": {rows}}}]}}'
    sent = np.array([5, 7], np.uint32)
    with pytest.raises(ValueError, match=r"logprob"):
        batch_of(_core.parse("vllm", answer.encode(), RowsAsked(sent, 1, 1)), sent, 1)
