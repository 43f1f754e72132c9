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
from token_difr.reference.served import batch_of
from token_difr.sequences import load_tokenizer

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
    indptr, token_ids, logprobs, claimed_logprob, _, _ = rows
    pairs = list(zip(token_ids.tolist(), logprobs.tolist(), strict=True))
    return [
        (dict(pairs[start:end]), float(own))
        for start, end, own in zip(indptr[:-1], indptr[1:], claimed_logprob, strict=True)
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
    check(_core.parse_vllm(vllm_answer(sent, rows), tokens, start, K), sent, start, rows)
    check(_core.parse_sglang(sglang_answer(sent, rows), tokens, start, K), sent, start, rows)
    for first in (0, start):
        body = content_answer(sent[first:], rows[first:])
        check(_core.parse_content(body, tokens, start, K, first, None), sent, start, rows)
    check(_core.parse_legacy(legacy_answer(sent, rows), tokens, start, K, 0, None), sent, start, rows)


@given(answers(), st.data())
def test_damaged_answers_are_errors_or_rows(answer: tuple[Any, int, Any], data: st.DataObject) -> None:
    """Cut, spliced or overwritten bytes: ValueError, or arrays of the right shape; never anything else."""
    sent, start, rows = answer
    tokens = np.array(sent, np.uint32)
    parsers: list[Any] = [
        (vllm_answer, lambda body: _core.parse_vllm(body, tokens, start, K)),
        (sglang_answer, lambda body: _core.parse_sglang(body, tokens, start, K)),
        (content_answer, lambda body: _core.parse_content(body, tokens, start, K, 0, None)),
        (legacy_answer, lambda body: _core.parse_legacy(body, tokens, start, K, 0, None)),
        (content_answer, lambda body: _core.parse_next_token(body, sent[0], K, None)),
    ]
    for write, parse in parsers:
        body = bytearray(write(sent, rows))
        place = data.draw(st.integers(0, len(body) - 1))
        body[place : place + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=6))
        body = body[: data.draw(st.sampled_from([len(body), place]))]
        try:
            found = parse(bytes(body))
        except ValueError as error:
            assert "\n" not in str(error)  # noqa: PT017 - both ends are allowed
        else:
            assert len(found[0]) - 1 == len(found[3]) == len(found[4])
            assert found[0][-1] == len(found[1]) == len(found[2])


@given(st.binary(max_size=60))
@example(b"")
@example(b"\xff\xfe")
@example(b'{"choices":' + b"[" * 5000)
def test_bytes_that_are_no_answer(body: bytes) -> None:
    """Always a ValueError with one line."""
    tokens = np.array([1, 2], np.uint32)
    for parse in (_core.parse_vllm, _core.parse_sglang):
        with pytest.raises(ValueError, match=r"\A[^\n]+\Z"):
            parse(body, tokens, 1, K)
    for parse_named in (_core.parse_content, _core.parse_legacy):
        with pytest.raises(ValueError, match=r"\A[^\n]+\Z"):
            parse_named(body, tokens, 1, K, 0, None)


def test_lengths_that_contradict_each_other() -> None:
    """A prompt longer than what was sent is the caller's fault, and named."""
    with pytest.raises(ValueError, match="5 tokens of prompt"):
        _core.parse_vllm(b"{}", np.array([1], np.uint32), 5, K)


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
