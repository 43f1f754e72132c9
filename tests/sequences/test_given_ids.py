"""Token ids that came with the answer: taken where they spell its text, refused where they do not."""

from __future__ import annotations

from typing import Any

import pytest

from token_difr.errors import InputError
from token_difr.records import Response
from token_difr.sequences import answer_ids, load_tokenizer, tokenize

QUESTION = [[{"role": "user", "content": "q"}]]


def codes(text: str) -> list[int]:
    return [ord(character) for character in text]


def answer(content: str, token_ids: object, **fields: Any) -> Response:
    return Response(index=0, content=content, body={"choices": [{"token_ids": token_ids}]}, **fields)


def output(response: Response, tokenizer: Any, **options: Any) -> list[int]:
    (sequence,) = tokenize(QUESTION, [response], tokenizer, **options)
    return list(sequence.output_token_ids)


def test_ids_that_the_text_would_not_encode_to() -> None:
    """A text that its tokenizer writes with one token, and the model wrote with several, keeps the model's."""
    tokenizer: Any = load_tokenizer("demo")
    text = "What is"
    pieces = [tokenizer.encode(character, add_special_tokens=False)[0] for character in text]
    response = answer(text, pieces, finish_reason="length")
    assert output(response, tokenizer) == pieces
    assert output(response, tokenizer, token_ids="ignore") != pieces
    assert tokenizer.decode(output(response, tokenizer, token_ids="ignore")) == text


@pytest.mark.parametrize(
    ("finish_reason", "ids", "expected"),
    [
        ("stop", [97, 98, 2], [97, 98, 2]),  # as vLLM sends them
        ("stop", [97, 98], [97, 98, 2]),  # the end left out
        ("length", [97, 98], [97, 98]),
        ("length", [97, 2, 98], [97, 2, 98]),  # a special token that the text does not show
    ],
)
def test_the_end(characters: Any, finish_reason: str, ids: list[int], expected: list[int]) -> None:
    """The end token is there once where the model stopped; special tokens that the text hides are believed."""
    assert output(answer("ab", ids, finish_reason=finish_reason), characters) == expected


def test_the_end_is_not_scored(characters: Any) -> None:
    """Without ``score_end`` the end token goes, whoever sent it."""
    for ids in ([97, 98, 2], [97, 98]):
        assert output(answer("ab", ids, finish_reason="stop"), characters, score_end=False) == [97, 98]


@pytest.mark.parametrize(
    "ids", [[97, 99], [97], [98, 97], [], [97, -1], [97, 2**32], [97, 98.0], ["a", "b"], "ab", None]
)
def test_refused(characters: Any, ids: object) -> None:
    """Ids that decode to another text, or that are none, do not count: the text does."""
    assert output(answer("ab", ids, finish_reason="length"), characters) == codes("ab")


def test_reasoning(characters: Any) -> None:
    """Reasoning, tags and content together are what the ids must spell, whatever blanks the template puts between."""
    text = "<think>\nwhy\n</think>\n\nso"
    assert output(answer("so", codes(text), reasoning="why"), characters) == codes(text)
    assert output(answer("so", codes(f"x{text}"), reasoning="why"), characters) == codes("<think>why</think>so")


def test_broken_last_character() -> None:
    """An output that is cut inside a character keeps its ids, whether the server shows the half or not."""
    tokenizer: Any = load_tokenizer("demo")
    ids = tokenizer.encode("a€", add_special_tokens=False)[:-1]
    assert tokenizer.decode(ids).endswith("\ufffd")
    for shown in ("a", tokenizer.decode(ids)):
        assert output(answer(shown, ids, finish_reason="length"), tokenizer) == ids


@pytest.mark.parametrize("token", [2048, 99_999, 2**31, 2**32 - 2])
@pytest.mark.parametrize("place", [0, 2, None])
def test_ids_of_no_token(token: int, place: int | None) -> None:
    """A tokenizer leaves them out of the text without a word, and a reference refuses them: the text counts."""
    tokenizer = load_tokenizer("demo")
    plain = tokenizer.encode("An answer", add_special_tokens=False, split_special_tokens=True)
    ids = [*plain, token] if place is None else [*plain[:place], token, *plain[place:]]
    response = answer("An answer", ids, finish_reason="length")
    assert answer_ids(response, tokenizer) is None
    assert output(response, tokenizer) == plain


def test_unknown_option(characters: Any) -> None:
    """A misspelled option is an error."""
    with pytest.raises(InputError, match="token_ids must be one of auto, ignore, not 'both'"):
        output(answer("", []), characters, token_ids="both")
