"""What kind of token each one is: special, white space, digits, punctuation, or of which script; and where in a word.

A token's text is looked at once, however often it stands there. It is read behind a letter, since tokenizers of the
SentencePiece kind drop the space that a text begins with.
"""

from __future__ import annotations

import unicodedata
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from token_difr.diagnosis.side import Indexes
from token_difr.sequences import Tokenizer

__all__ = ["CLASSES", "WORDS", "TokenKinds", "token_kinds", "word_parts"]

CLASSES = (
    "special",
    "white space",
    "digits",
    "punctuation",
    "Latin",
    "Chinese, Japanese, Korean",
    "Cyrillic",
    "Arabic",
    "other script",
    "part of a character",
)
SCRIPTS = {
    "LATIN": "Latin",
    **dict.fromkeys(("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO"), "Chinese, Japanese, Korean"),
    "CYRILLIC": "Cyrillic",
    "ARABIC": "Arabic",
}
"""By the first word of a letter's Unicode name, without a hyphen and what follows it."""

WORDS = ("start of a word", "inside a word")
NO_WORD, BEHIND_SPACE, LETTERS = -1, 0, 1
"""How a token begins: not with a letter; with white space and then a letter; with a letter."""

UNSPACED = CLASSES.index("Chinese, Japanese, Korean")
"""Scripts without spaces between their words."""


class TokenKinds(NamedTuple):
    """Of some tokens.

    Attributes:
        classes: int8[tokens]; indexes in ``CLASSES``.
        begins: int8[tokens]; how each begins: ``NO_WORD``, ``BEHIND_SPACE`` or ``LETTERS``.
        ends_in_word: bool[tokens]; whether its last character is a letter or a digit.
        texts: The text of each distinct token, by its id.
    """

    classes: npt.NDArray[np.int8]
    begins: npt.NDArray[np.int8]
    ends_in_word: npt.NDArray[np.bool_]
    texts: dict[int, str]


def token_kinds(token_ids: npt.NDArray[np.uint32], tokenizer: Tokenizer) -> TokenKinds:
    """The kinds of ``token_ids``, uint32[tokens]; each distinct one is decoded once."""
    unique, which = np.unique(token_ids, return_inverse=True)
    texts = _texts(unique.tolist(), tokenizer)
    kinds = [_kind(*texts[token]) for token in unique.tolist()]
    classes, begins, ends = (
        (np.array(column, np.int8)[which] for column in zip(*kinds, strict=True))
        if kinds
        else (np.zeros(0, np.int8) for _ in range(3))
    )
    return TokenKinds(classes, begins, ends.astype(np.bool_), {token: text for token, (text, _) in texts.items()})


def word_parts(kinds: TokenKinds, before: Indexes) -> npt.NDArray[np.int8]:
    """int8[tokens]: 0 where a token starts a word, 1 where it goes on with one, -1 where it begins with no letter.

    Args:
        kinds: The tokens' kinds.
        before: int64[tokens]; the index of the token before each one, -1 where there is none.
    """
    inside = (kinds.begins == LETTERS) & (before >= 0) & kinds.ends_in_word[before]
    parts = np.where(kinds.begins == NO_WORD, -1, inside).astype(np.int8)
    return np.where(kinds.classes == UNSPACED, -1, parts).astype(np.int8)


def _texts(token_ids: list[int], tokenizer: Tokenizer) -> dict[int, tuple[str, bool]]:
    """The text of each token behind a letter, and whether it is left out of texts for readers."""
    head = list(tokenizer.encode("a", add_special_tokens=False, split_special_tokens=True))
    before = tokenizer.decode(head)
    texts = {}
    for token in token_ids:
        whole = tokenizer.decode([*head, token])
        text = whole[len(before) :] if whole.startswith(before) else tokenizer.decode([token])
        texts[token] = text, bool(text) and tokenizer.decode([*head, token], skip_special_tokens=True) == before
    return texts


def _kind(text: str, special: bool) -> tuple[int, int, bool]:
    """Class, beginning, and whether it ends inside a word."""
    bare = text.lstrip()
    begins = NO_WORD if not bare[:1].isalpha() or special else LETTERS if bare == text else BEHIND_SPACE
    return CLASSES.index(_class(text.strip(), special=special)), begins, not special and text[-1:].isalnum()


def _class(text: str, *, special: bool) -> str:
    if special:
        return "special"
    if "\ufffd" in text:
        return "part of a character"
    letter = next((character for character in text if character.isalpha()), None)
    if letter is not None:
        return SCRIPTS.get(unicodedata.name(letter, "").partition(" ")[0].partition("-")[0], "other script")
    if any(character.isnumeric() for character in text):
        return "digits"
    return "punctuation" if text else "white space"
