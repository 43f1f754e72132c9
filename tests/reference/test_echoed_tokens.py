"""Echoes by names: which row is about which token, and which tokens the names stand for."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from token_difr import _core
from token_difr.records import UNRESOLVED
from token_difr.reference.rows import RowsAsked

WHOLE = "\N{SLIGHTLY SMILING FACE}"
"""The four bytes F0 9F 99 82, which the tokens below cut in several ways."""

PIECES = ["<s>", "Ġthe", "Ġa", "the", "ðŁ", "Ļ", "Ĥ", "ĠðŁ", "é", "Ã©", "Ġword", "ĻĤ"]
TEXTS = ["<s>", " the", " a", "the", "\ufffd", "\ufffd", "\ufffd", " \ufffd", "\ufffd", "é", " word", "\ufffd\ufffd"]
BYTE_LEVEL = _core.Vocabulary(PIECES, TEXTS, [True] + [False] * (len(PIECES) - 1), True)
START, THE, A, BARE, FIRST, SECOND, THIRD, SPACED, LATIN, ACCENTED, WORD, REST = range(len(PIECES))

SP_PIECES = ["<s>", "▁in", "in", "▁the", "▁▁", "é", "<0xC3>", "<0xA9>"]
SP_TEXTS = ["<s>", "in", "in", "the", " ", "é", "\ufffd", "\ufffd"]
SENTENCEPIECE = _core.Vocabulary(SP_PIECES, SP_TEXTS, [True] + [False] * (len(SP_PIECES) - 1), False)


def legacy(tokens: Sequence[str], rows: Sequence[dict[str, float]] | None = None) -> bytes:
    """An answer with parallel lists; each row holds its own token."""
    top = [{token: -0.5} for token in tokens] if rows is None else rows
    lists = {"tokens": tokens, "token_logprobs": [-0.5] * len(tokens), "top_logprobs": [None, *top[1:]]}
    return json.dumps({"choices": [{"logprobs": lists}], "usage": {"completion_tokens": 0}}).encode()


def read(body: bytes, sent: Sequence[int], vocabulary: Any, form: str = "legacy", prompt: int = 1) -> list[int]:
    """The ids of the output's rows."""
    asked = RowsAsked(np.array(sent, np.uint32), prompt, topk=3, vocabulary=vocabulary)
    return [int(token) for token in _core.parse(form, body, asked).token_ids]


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ([THE, FIRST, SECOND, THIRD, A], [" the", "", "", WHOLE, " a"]),
        ([THE, SPACED, REST, A], [" the", "", f" {WHOLE}", " a"]),
        ([THE, SPACED, REST, A], [" the", " ", WHOLE, " a"]),
        ([THE, FIRST, SECOND, THIRD, A], [" the", "\ufffd", "\ufffd", "\ufffd", " a"]),
        ([THE, FIRST, SECOND, THIRD, FIRST, REST], [" the", "", "", WHOLE, "", WHOLE]),
        ([THE, FIRST, SECOND], [" the", "", ""]),
        ([THE, FIRST, SECOND], [" the", "ðŁ", "Ļ"]),
    ],
)
def test_parts_of_a_character(sent: list[int], shown: list[str]) -> None:
    """Nothing, U+FFFD or pieces: what is shown of a character's parts says nothing against them."""
    read(legacy(shown), sent, BYTE_LEVEL)


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ([THE, FIRST, SECOND, THIRD, A], [" the", "", "", "\N{GRINNING FACE}", " a"]),  # another character
        ([THE, FIRST, A], [" the", "", "x"]),
        ([THE, BARE, A], [" the", "", "the a"]),  # whole words are not made of parts
        ([THE, A, WORD], [" the", " ", "a word"]),
    ],
)
def test_other_tokens(sent: list[int], shown: list[str]) -> None:
    """Another text, or a text of whole tokens that is cut otherwise, is not what was sent."""
    with pytest.raises(ValueError, match="read other tokens"):
        read(legacy(shown), sent, BYTE_LEVEL)


@pytest.mark.parametrize(
    ("sent", "shown", "is_refused"),
    [
        ([THE, A], ["<s>", " the", " a"], False),  # a beginning that the text does not spell
        ([START, THE, A], ["<s>", " the", " a"], False),
        ([START, THE, A], ["<s>", "<s>", " the", " a"], True),
        ([START, THE, A], ["", "", " the", " a"], True),
        ([A, A, THE], [" a", " a", " a", " the"], False),  # no special token: nothing that servers add
    ],
)
def test_a_second_beginning(sent: list[int], shown: list[str], *, is_refused: bool) -> None:
    """One row more in front is right only where the tokens sent do not begin with that token."""
    if not is_refused:
        read(legacy(shown), sent, BYTE_LEVEL)
        return
    with pytest.raises(ValueError, match="second beginning-of-text token"):
        read(legacy(shown), sent, BYTE_LEVEL)


@pytest.mark.parametrize(
    ("vocabulary", "strings", "ids"),
    [
        (BYTE_LEVEL, ["é", " the"], [ACCENTED, THE]),
        (BYTE_LEVEL, ["é", "Ġthe"], [LATIN, THE]),
        (BYTE_LEVEL, ["é", "the"], [UNRESOLVED, BARE]),
        (SENTENCEPIECE, ["in", "▁the"], [2, 3]),
        (SENTENCEPIECE, ["in", " the"], [2, 3]),
        (SENTENCEPIECE, ["in", "the"], [UNRESOLVED, 3]),
        (SENTENCEPIECE, ["in", " "], [UNRESOLVED, 4]),  # a run of spaces that lost its first one
    ],
)
def test_one_answer_has_one_form(vocabulary: Any, strings: list[str], ids: list[int]) -> None:
    """A name that two tokens share is settled by a string that shows how the answer writes spaces, and only so."""
    assert vocabulary.resolve(strings, one_answer=True).tolist() == ids
    assert vocabulary.resolve(strings)[0] == UNRESOLVED


@pytest.mark.parametrize(("first", "found"), [(" the", ACCENTED), ("Ġthe", LATIN), ("the", UNRESOLVED)])
@pytest.mark.parametrize("form", ["legacy", "content"])
def test_the_form_settles_rows(first: str, found: int, form: str) -> None:
    """A candidate is known by the form of the echo, in both kinds of lists."""
    own = " a" if first == " the" else "Ġa" if first == "Ġthe" else "<s>"
    sent = [BARE if first == "the" else THE, START if own == "<s>" else A]
    if form == "legacy":
        body = legacy([first, own], [{}, {own: -0.5, "é": -1.0}])
    else:
        tops = [{"token": own, "logprob": -0.5}, {"token": "é", "logprob": -1.0}]
        entries = [{"token": first, "logprob": -1}, {"token": own, "logprob": -0.5, "top_logprobs": tops}]
        body = json.dumps({"choices": [{"logprobs": {"content": entries}}], "usage": {"completion_tokens": 0}}).encode()
    assert read(body, sent, BYTE_LEVEL, form) == [sent[1], found]


@pytest.mark.parametrize(
    ("vocabulary", "text", "own", "claimed", "found"),
    [
        (SENTENCEPIECE, "in", "in", 1, 1),  # the claimed token decodes to it
        (SENTENCEPIECE, "in", "in", 2, 2),
        (SENTENCEPIECE, "in", "the", 3, UNRESOLVED),  # nothing tells which
        (SENTENCEPIECE, " in", "the", 3, 1),  # the space tells
        (BYTE_LEVEL, "é", "the", BARE, ACCENTED),  # a byte-level text is the token's own
    ],
)
def test_bytes_that_are_only_the_texts(vocabulary: Any, text: str, own: str, claimed: int, found: int) -> None:
    """Bytes of a text that lost its space say no more than it."""
    tops = [{"token": text, "bytes": list(text.encode()), "logprob": -0.5}]
    entries = [
        {"token": "<s>", "logprob": -1},
        {"token": own, "token_id": claimed, "logprob": -0.5 if own == text else -1.0, "top_logprobs": tops},
    ]
    body = json.dumps({"choices": [{"logprobs": {"content": entries}}], "usage": {"completion_tokens": 0}}).encode()
    assert read(body, [0, claimed], vocabulary, "content") == [found]


@pytest.mark.parametrize("nulls", [[0], [0, 1], [0, 1, 2, 3], [0, 2]])
def test_null_rows_of_the_prompt(nulls: list[int]) -> None:
    """Rows of a cached prefix are null, and nobody needs them; a null row of the output is a fault."""
    sent = [3, 4, 5, 6, 7, 8]
    rows = [None if j in nulls else {str(t): {"logprob": -0.25, "rank": 1}} for j, t in enumerate(sent)]
    body = {"choices": [{"prompt_token_ids": sent, "prompt_logprobs": rows}]}
    assert read(json.dumps(body).encode(), sent, None, "vllm", prompt=4) == [7, 8]
    rows[4] = None
    with pytest.raises(ValueError, match="no logprobs for the token at position 4"):
        read(json.dumps(body).encode(), sent, None, "vllm", prompt=4)


def _sglang(sent: Sequence[int], nulls: Sequence[int]) -> dict[str, Any]:
    own = [[None if j in nulls else -0.5, token, None] for j, token in enumerate(sent)]
    top = [None if j in nulls else [[-0.5, token, None]] for j, token in enumerate(sent)]
    return {"meta_info": {"input_token_logprobs": own, "input_top_logprobs": top}}


def _lists(sent: Sequence[int], nulls: Sequence[int]) -> dict[str, Any]:
    names = [TEXTS[token] for token in sent]
    values = [None if j in nulls else -0.5 for j in range(len(sent))]
    top = [None if j in nulls else {name: -0.5} for j, name in enumerate(names)]
    lists = {"tokens": names, "token_logprobs": values, "top_logprobs": top}
    return {"choices": [{"logprobs": lists}], "usage": {"completion_tokens": 0}}


def _content(sent: Sequence[int], nulls: Sequence[int]) -> dict[str, Any]:
    entries = [
        {
            "token": TEXTS[token],
            "token_id": token,
            "logprob": None if j in nulls else -0.5,
            "top_logprobs": None if j in nulls else [{"token": TEXTS[token], "token_id": token, "logprob": -0.5}],
        }
        for j, token in enumerate(sent)
    ]
    return {"choices": [{"logprobs": {"content": entries}}], "usage": {"completion_tokens": 0}}


@pytest.mark.parametrize("nulls", [[0], [0, 1], [0, 1, 2], [0, 2]])
@pytest.mark.parametrize(("form", "body"), [("sglang", _sglang), ("legacy", _lists), ("content", _content)])
def test_null_rows_in_other_forms(form: str, body: Any, nulls: list[int]) -> None:
    """As in vLLM's: those of the prompt are nobody's, one of the output is a fault."""
    sent = [START, THE, A, WORD, BARE]
    assert read(json.dumps(body(sent, nulls)).encode(), sent, BYTE_LEVEL, form, prompt=3) == [WORD, BARE]
    with pytest.raises(ValueError, match="no logprobs for the token at position 3"):
        read(json.dumps(body(sent, [*nulls, 3])).encode(), sent, BYTE_LEVEL, form, prompt=3)
