"""The number of tokens that an answer has in the model's own cut: one rule for reading and for repair."""

from __future__ import annotations

from typing import Any

import pytest

from token_difr.records import Fidelity, Response
from token_difr.sequences import expected_lengths, load_tokenizer, tokenize

LIMIT = 4
Fields = dict[str, Any]


def stopped(counted: int | None = None, content: str = "abc") -> Fields:
    return {"content": content, "finish_reason": "stop", "completion_tokens": counted}


def cut(counted: int | None = None, content: str = "abcd") -> Fields:
    return {"content": content, "finish_reason": "length", "completion_tokens": counted}


WITH_IDS = {"body": {"choices": [{"token_ids": [ord(letter) for letter in "abcd"]}]}}


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        pytest.param([stopped(4), stopped(5), cut(4)], [[4], [5], [4]], id="the end token counts"),
        pytest.param([stopped(3), stopped(3), stopped(4), cut(4)], [[4], [4], [5], [4]], id="it does not"),
        pytest.param([stopped(7)] * 5 + [stopped(8), cut(7)], [[4]] * 5 + [[5], [4]], id="a constant is added"),
        pytest.param([cut(4), cut(4, "abc\ufffd"), cut(4, "ab\ufffd")], [[4], [1, 2, 3], [1, 2, 3]], id="a broken end"),
        pytest.param([stopped(4), cut(4), cut(4, "abcdef")], [[4], [4], [4]], id="longer than the limit and the count"),
        pytest.param([cut(), cut(), cut(None, "abcdef")], [[4]] * 3, id="no count: the limit tells"),
        pytest.param([cut(), cut(None, "ab"), cut(None, "abc")], [None] * 3, id="the limit is not what cut them"),
        pytest.param([stopped(), stopped(), cut()], [None, None, [4]], id="no count, nor a limit that cut"),
        pytest.param([stopped(2), stopped(6), stopped(9)], [None] * 3, id="another kind of count"),
        pytest.param([stopped(7, "abcdef")] * 3, [None] * 3, id="counted beyond the limit, and cut there"),
        pytest.param([cut(4), {**cut(4), **WITH_IDS}], [[4], None], id="ids"),
        pytest.param([], [], id="nothing"),
    ],
)
def test_expected_lengths(characters: Any, answers: list[Fields], expected: list[list[int] | None]) -> None:
    """What the provider counted, or the limit, as far as it is believed; and fidelity and length never disagree."""
    prompts = [[{"role": "user", "content": f"q{n}"}] for n in range(len(answers))]
    responses = [Response(index=n, **fields) for n, fields in enumerate(answers)]
    lengths = expected_lengths(prompts, responses, characters, max_tokens=LIMIT)
    sequences = dict(enumerate(tokenize(prompts, responses, characters, max_tokens=LIMIT)))

    assert [list(lengths[n]) if n in lengths else None for n in sequences] == expected
    for n, each in lengths.items():
        agrees = len(sequences[n].output_token_ids) in each
        assert sequences[n].fidelity in ({Fidelity.UNCOUNTED, Fidelity.COUNTED if agrees else Fidelity.CONTRADICTED})


def test_the_limit_does_not_hide_a_contradiction(characters: Any) -> None:
    """More tokens than were counted are not cut off to the counted number: the text would lose its end."""
    prompts = [[{"role": "user", "content": f"q{n}"}] for n in range(3)]
    for counted, fidelity in ((LIMIT, Fidelity.CONTRADICTED), (None, Fidelity.UNCOUNTED)):
        answers = [cut(counted), cut(counted), cut(counted, "abcdef")]
        responses = [Response(index=n, **fields) for n, fields in enumerate(answers)]
        last = tokenize(prompts, responses, characters, max_tokens=LIMIT)[2]
        assert (len(last.output_token_ids), last.fidelity) == (len("abcdef"), fidelity)


@pytest.mark.parametrize("text", ["a\n ", "a\n  ", "return a\n    ", "x:  ", "a ", " ", "a\n \ufffd"])
def test_a_space_at_the_end_may_be_part_of_a_token(text: str) -> None:
    """It may begin a character that did not come: what is read before it is as it stands in the whole text."""
    tokenizer: Any = load_tokenizer("demo")
    whole = tokenizer.encode(text.rstrip("\ufffd"), add_special_tokens=False, split_special_tokens=True)
    prompts = [[{"role": "user", "content": f"q{n}"}] for n in range(3)]
    parts = len(whole) + text.endswith("\ufffd")
    answers = [Response(index=0, **cut(parts, text)), *(Response(index=n, **cut(2, " a list")) for n in (1, 2))]
    sequence = tokenize(prompts, answers, tokenizer)[0]

    assert list(sequence.output_token_ids) == whole[: len(sequence.output_token_ids)]
    assert sequence.fidelity is Fidelity.COUNTED
    assert len(sequence.output_token_ids) in expected_lengths(prompts, answers, tokenizer)[0]
