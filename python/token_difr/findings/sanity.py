"""What keeps given answers from being judged: they are no answers, or their tokens are none."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence, Sized

from token_difr.errors import InputError
from token_difr.findings.odd_outputs import odd_counts
from token_difr.records import LARGEST_ID
from token_difr.sequences import Tokenizer
from token_difr.sequences.given_answers import GivenAnswers
from token_difr.untrusted import printable

__all__ = ["check_sound", "unsound"]

NAMED_ID = re.compile(
    r"<?\|?\btoken(?:[_ ]?id)?\b\s{0,2}[:=_ ]\s{0,2}\d+\|?>?|<\|?token(?:_id)?[_:]\d+\|?>", re.IGNORECASE
)
"""A token's id in the place of its text, as servers write it on request (``return_tokens_as_token_ids``)."""

NUMBER = re.compile(r"\d+")
MOSTLY = 0.5
"""Share of outputs from which on a file of them shows nothing."""

BYTES = 256
"""Below this lie the codes of ASCII and of bytes; the ids of a tokenizer's words lie above."""

NEARLY_ALL = 0.98
LETTERS = 0.6
"""Share of letters and spaces in any text, and a good deal less than it has."""

FEWEST_IDS = 24
"""Ids that are looked at together, at least: fewer may fall into any range by chance."""

FEWEST_ALIKE = 4
FEWEST_OF_A_LOOP, NINE_TENTHS = 3, 0.9


def check_sound(given: GivenAnswers, tokenizer: Tokenizer | None = None) -> None:
    """Refuse answers that nothing can be judged with.

    Raises:
        InputError: Says all that is wrong with them, and where the first of each kind stands.
    """
    wrong = list(unsound(given, tokenizer))
    if wrong:
        raise InputError(f"{given.path} cannot be judged: {'; '.join(wrong)}")


def unsound(given: GivenAnswers, tokenizer: Tokenizer | None = None) -> Iterator[str]:
    """What is wrong with given answers, a sentence for each kind.

    Args:
        given: What a file holds.
        tokenizer: The model's; None = what takes it is not looked at.
    """
    outputs = [list(sequence.output_token_ids) for sequence in given.sequences]
    prompts = [list(sequence.prompt_token_ids) for sequence in given.sequences]
    if not outputs:
        yield "it holds no answers"
        return
    yield from _named_ids(given.document)
    yield from _spelled_ids(given.texts, outputs)
    for what, ids in (("outputs", outputs), ("prompts", prompts)):
        yield from _characters(what, ids, tokenizer)
    yield from _no_answers(outputs)
    yield from _alike(prompts, outputs)
    yield from _echoes(prompts, outputs)
    if tokenizer is not None:
        yield from _unknown(outputs, prompts, tokenizer)
        yield from _spelling_named_ids(outputs, tokenizer)
        yield from _other_texts(given.texts, outputs, tokenizer)


def _named_ids(document: object) -> Iterator[str]:
    """Texts anywhere in the file that read "token_id:758 token_id:3100"."""
    places = [(place, text) for place, text in _texts(document, "") if _reads_as_ids(text)]
    if places:
        place, text = places[0]
        yield (
            f'{len(places)} texts are ids in words, the first in {place}: it reads "{printable(text)}"; the server wrote ids for '
            "texts (return_tokens_as_token_ids): take the texts that its tokens decode to"
        )


def _texts(value: object, place: str) -> Iterator[tuple[str, str]]:
    """Every text in a JSON value, with its place; values are as deep as ``read_json`` lets them be."""
    if isinstance(value, str):
        yield place or "it", value
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _texts(item, f"{place}.{printable(str(name))}" if place else printable(str(name)))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            if isinstance(item, str | list | dict):
                yield from _texts(item, f"{place}[{index}]")


def _reads_as_ids(text: str) -> bool:
    found = NAMED_ID.findall(text)
    return bool(found) and sum(map(len, found)) >= MOSTLY * len(text.replace(" ", ""))


def _spelled_ids(texts: Sequence[str | None], outputs: Sequence[list[int]]) -> Iterator[str]:
    """Texts that are the very numbers of their ids."""
    numbers = [
        index
        for index, (text, ids) in enumerate(zip(texts, outputs, strict=True))
        if text is not None and len(ids) > 1 and not re.search(r"[^\W\d_]", text) and _numbers(text) == ids
    ]
    if numbers:
        yield f"{len(numbers)} texts are the numbers of their token ids, the first that of answer {numbers[0]}"


def _numbers(text: str) -> list[int]:
    return [int(number) for number in NUMBER.findall(text) if len(number) < 12]


def _characters(what: str, each: Sequence[list[int]], tokenizer: Tokenizer | None) -> Iterator[str]:
    """Ids that are the codes of characters: text that was never tokenized."""
    everything = [token for ids in each for token in ids]
    text = _of_codes(everything)
    letters = sum(char.isalpha() or char == " " for char in text)
    if len(everything) < FEWEST_IDS or letters < LETTERS * len(text) or not _are_codes(everything):
        return
    first = next(ids for ids in each if ids)
    read = _of_codes(first)
    if tokenizer is None or _decoded(first, tokenizer).strip() != read.strip():  # there are models of bytes
        yield (
            f'the token ids of its {what} are the codes of characters, the first read "{printable(read)}": the text was not '
            "tokenized; encode it with the model's tokenizer"
        )


def _are_codes(ids: list[int]) -> bool:
    return sum(token < BYTES for token in ids) >= NEARLY_ALL * len(ids)


def _of_codes(ids: list[int]) -> str:
    """The text whose bytes, or else whose characters, have these codes."""
    codes = bytes(token for token in ids if token < BYTES)
    try:
        return codes.decode("utf-8")
    except UnicodeDecodeError:
        return codes.decode("latin-1")


def _no_answers(outputs: Sequence[list[int]]) -> Iterator[str]:
    """Outputs that are empty or one id over and over."""
    counts = odd_counts(outputs)
    looped = [index for index, ids in enumerate(outputs) if _loops(ids)]
    if (counts["empty"] + len(looped)) <= MOSTLY * len(outputs):
        return
    told = []
    if counts["empty"]:
        told.append(f"{counts['empty']} are empty, the first that of answer {outputs.index([])}")
    if looped:
        ids = outputs[looped[0]]
        told.append(f"{len(looped)} repeat one id, the first that of answer {looped[0]}: {_commonest(ids)[0]}")
    yield f"of {len(outputs)} outputs {' and '.join(told)}: there is nothing to judge in these"


def _loops(ids: list[int]) -> bool:
    """Whether nine tenths of an output are one id; a token at its beginning or end may be another one."""
    return bool(ids) and _commonest(ids)[1] >= max(FEWEST_OF_A_LOOP, NINE_TENTHS * len(ids))


def _commonest(ids: list[int]) -> tuple[int, int]:
    return Counter(ids).most_common(1)[0]


def _alike(prompts: Sequence[list[int]], outputs: Sequence[list[int]]) -> Iterator[str]:
    """The same answer to whatever was asked."""
    spoken = [(tuple(prompt), tuple(ids)) for prompt, ids in zip(prompts, outputs, strict=True) if ids]
    asked = len({prompt for prompt, _ in spoken})
    if asked >= FEWEST_ALIKE and len({ids for _, ids in spoken}) == 1:
        yield f"all {len(spoken)} outputs are the same, to {asked} different prompts"


def _echoes(prompts: Sequence[list[int]], outputs: Sequence[list[int]]) -> Iterator[str]:
    """Outputs in which the prompt stands once more."""
    echoed = [
        index
        for index, (prompt, ids) in enumerate(zip(prompts, outputs, strict=True))
        if len(prompt) > 1 and ids[: len(prompt)] == prompt
    ]
    if len(echoed) > MOSTLY * len(outputs):
        yield f"{len(echoed)} outputs begin with their prompt, the first that of answer {echoed[0]}: leave it out of them"


def _unknown(outputs: Sequence[list[int]], prompts: Sequence[list[int]], tokenizer: Tokenizer) -> Iterator[str]:
    """Ids that the tokenizer has not."""
    size = len(tokenizer) if isinstance(tokenizer, Sized) else LARGEST_ID + 1
    for what, each in (("outputs", outputs), ("prompts", prompts)):
        beyond = [(index, token) for index, ids in enumerate(each) for token in ids if token >= size]
        if beyond:
            index, token = beyond[0]
            yield f"{len(beyond)} token ids of its {what} are beyond the tokenizer's {size:,}, the first is {token} in answer {index}"


def _spelling_named_ids(outputs: Sequence[list[int]], tokenizer: Tokenizer) -> Iterator[str]:
    """Ids of a text that is ids in words: it was tokenized as if it were the answer."""
    spelled = [index for index, ids in enumerate(outputs) if _reads_as_ids(_decoded(ids, tokenizer))]
    if spelled:
        yield (
            f"{len(spelled)} outputs spell ids in words, the first that of answer {spelled[0]}: it reads "
            f'"{printable(_decoded(outputs[spelled[0]], tokenizer))}"; its tokens are those of the words, and not the model\'s'
        )


def _other_texts(texts: Sequence[str | None], outputs: Sequence[list[int]], tokenizer: Tokenizer) -> Iterator[str]:
    """Texts that are not those of the tokens beside them."""
    told = [(index, text) for index, text in enumerate(texts) if text is not None]
    others = [index for index, text in told if _words(text) not in _words(_decoded(outputs[index], tokenizer))]
    if len(others) > MOSTLY * len(told):
        index = others[0]
        yield (
            f"{len(others)} of {len(told)} texts are not what their tokens decode to, the first that of answer {index}: it reads "
            f'"{printable(texts[index] or "")}", its tokens "{printable(_decoded(outputs[index], tokenizer))}"; is this the '
            "model's tokenizer?"
        )


def _words(text: str) -> str:
    return "".join(text.split())


def _decoded(ids: list[int], tokenizer: Tokenizer) -> str:
    try:
        return tokenizer.decode(ids)
    except (OverflowError, IndexError, KeyError, TypeError, ValueError):  # ids beyond the vocabulary
        return ""
