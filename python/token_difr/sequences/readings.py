"""The ways in which an answer can be read as tokens.

A text does not tell all that the model wrote: servers leave out tags, special tokens and broken characters, send them as
text, or put texts into other fields. Each possible reading is a list of tokens; the likeliest comes first, and the
provider's count of its tokens picks among them (:mod:`token_difr.sequences.counts`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice, takewhile
from typing import Any, Literal

from token_difr.errors import InputError
from token_difr.records import Conversation, Response
from token_difr.sequences.broken_end import has_broken_end, without_broken_end
from token_difr.sequences.decoding import encode_behind, encode_without_space, well_formed
from token_difr.sequences.end_of_turn import end_of_answer, end_token, ends_answers, trailing_special_token
from token_difr.sequences.given_ids import answer_ids
from token_difr.sequences.pieces import Piece, Pieces, text_of
from token_difr.sequences.reasoning import ReasoningJoiner
from token_difr.sequences.rendering import Tokenizer
from token_difr.sequences.tool_calls import calls_tools, tool_call_text

__all__ = ["AnswerReader", "Reading", "Readings", "TokenIds"]

TokenIds = Literal["auto", "ignore"]
"""What becomes of token ids in the answers."""

PARTS_OF_A_CHARACTER = 3
"""Most tokens of a character that is not whole: UTF-8 has at most four bytes a character."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """One way to read an answer.

    Attributes:
        ids: The output's tokens, but for the one that ends it.
        ended: Whether a token ended it.
        end: That token; None where the output did not end by itself, or nobody knows how.
        lost: Fewest and most tokens of a broken character behind ``ids``, which nobody knows.
    """

    ids: tuple[int, ...]
    ended: bool = False
    end: int | None = None
    lost: tuple[int, int] = (0, 0)

    @property
    def output(self) -> list[int]:
        """All tokens that are known."""
        return [*self.ids, *([] if self.end is None else [self.end])]

    def __len__(self) -> int:
        """Number of tokens that the model wrote at least, the one that ends the output included."""
        return len(self.ids) + self.ended + self.lost[0]


@dataclass(frozen=True, kw_only=True, slots=True)
class Readings:
    """All readings of an answer.

    Attributes:
        options: At least one; the likeliest first.
        given: Whether they are the provider's own ids.
        written: Whether the answer can be written as tokens at all.
    """

    options: Sequence[Reading]
    given: bool = False
    written: bool = True


class AnswerReader:
    """Reads answers of one model.

    Args:
        tokenizer: Its tokenizer.
        token_ids: "ignore" reads the text even where an answer holds its ids.
        variables: Variables of the chat template, as they were sent to the provider.
    """

    def __init__(self, tokenizer: Tokenizer, *, token_ids: TokenIds, variables: Mapping[str, Any] | None) -> None:
        self._tokenizer = tokenizer
        self._end = end_token(tokenizer)
        self._token_ids = token_ids
        self._variables = variables
        self._joiner = ReasoningJoiner(tokenizer, variables)
        self._characters: dict[str, int] = {}

    def read(self, prompt: Conversation, prompt_ids: Sequence[int], response: Response) -> Readings:
        """The readings of the answer to ``prompt``, whose tokens are ``prompt_ids``."""
        ids = answer_ids(response, self._tokenizer, prompt_ids) if self._token_ids == "auto" else None
        if ids is not None:
            return Readings(options=[self._given(ids, response)], given=True)
        if calls_tools(response):
            return self._tool_calls(prompt, response)
        response = replace(response, content=well_formed(response.content), reasoning=well_formed(response.reasoning))
        return Readings(options=list(dict.fromkeys(self._text_readings(prompt, prompt_ids, response))))

    def _given(self, ids: list[int], response: Response) -> Reading:
        if not response.ended:
            return Reading(ids=tuple(ids))
        if ids and ends_answers(ids[-1], self._tokenizer):  # it ends with one of the model's end tokens
            return Reading(ids=tuple(ids[:-1]), ended=True, end=ids[-1])
        return Reading(ids=tuple(ids), ended=True, end=end_of_answer(response, self._end, self._tokenizer))

    def _tool_calls(self, prompt: Conversation, response: Response) -> Readings:
        try:
            text = tool_call_text(prompt, response, self._tokenizer, self._variables)
        except InputError:  # counted by the finding `tool_calls`
            return Readings(options=[Reading(ids=())], written=False)
        ids = self._tokenizer.encode(well_formed(text), add_special_tokens=False, split_special_tokens=False)
        if ids and ends_answers(ids[-1], self._tokenizer):
            return Readings(options=[Reading(ids=tuple(ids[:-1]), ended=True, end=ids[-1])])
        return Readings(options=[Reading(ids=tuple(ids))])

    def _text_readings(self, prompt: Conversation, prompt_ids: Sequence[int], response: Response) -> Iterator[Reading]:
        written = Pieces(self._joiner, self._tokenizer, prompt)
        usual = end_of_answer(response, self._end, self._tokenizer)
        for content, end in self._ends(response):
            ended = True if end is not None else response.ended
            for pieces in written.of(response.reasoning, content, finished=bool(ended)):
                cut = self._cut(pieces, prompt_ids) if not ended else iter(())
                yield from islice(cut, 1)
                if ended is not False:  # where nothing tells, the count does
                    ids = self._encoded(pieces, prompt_ids)
                    yield Reading(ids=tuple(ids), ended=True, end=usual if end is None else end)
                yield from cut
        if not response.reasoning:
            yield from self._without_added_space(response, usual)

    def _without_added_space(self, response: Response, usual: int | None) -> Iterator[Reading]:
        """A text whose first word stands at the prompt's last character, and was not only shown so."""
        for content, end in self._ends(response):
            bare = encode_without_space(content, self._tokenizer) if not has_broken_end(content) else None
            if bare is not None and (end is not None or response.ended is not False):
                yield Reading(ids=tuple(bare), ended=True, end=usual if end is None else end)
            if bare is not None and end is None and not response.ended:
                yield Reading(ids=tuple(bare))

    def _ends(self, response: Response) -> Iterator[tuple[str, int | None]]:
        """The content, and the end token whose name it ends with; a length limit says that it is text."""
        plain = (response.content, None)
        spelled = trailing_special_token(response.content, self._tokenizer)
        if response.ended is False:
            yield plain
            if spelled is not None:
                yield spelled
            return
        if spelled is not None:
            yield spelled
        yield plain

    def _cut(self, pieces: Sequence[Piece], prompt_ids: Sequence[int]) -> Iterator[Reading]:
        """An output that something cut, inside a character perhaps."""
        text = text_of(pieces)
        # A space at the end of what was cut may be the beginning of a character that is not there.
        lone_space = text.endswith(" ")
        whole = self._without_end(pieces, prompt_ids, 0, 0) if lone_space else self._whole(pieces, prompt_ids)
        if has_broken_end(text):
            yield self._without_end(pieces, prompt_ids, 1, PARTS_OF_A_CHARACTER)
            yield whole
            return
        yield whole
        # Servers that leave a broken character out do not say so. That is believed only of texts which do hold
        # characters of several tokens, and only where the count says so too.
        parts = max((self._tokens_of(character) for character in set(text) if not character.isascii()), default=1)
        if parts > 1:
            yield self._without_end(pieces, prompt_ids, 1, min(parts - 1, PARTS_OF_A_CHARACTER))

    def _whole(self, pieces: Sequence[Piece], prompt_ids: Sequence[int]) -> Reading:
        return Reading(ids=tuple(self._encoded(pieces, prompt_ids)))

    def _without_end(self, pieces: Sequence[Piece], prompt_ids: Sequence[int], fewest: int, most: int) -> Reading:
        """Up to the broken character. Spaces before it may be part of its first token, and are left off too.

        So is a token that ends in such a space and is another one without it.
        """
        *rest, (last, own) = pieces
        kept = without_broken_end(last)
        whole = self._encoded([*rest, (kept, own)], prompt_ids)
        without = self._encoded([*rest, (kept.rstrip(" "), own)], prompt_ids)
        same = takewhile(lambda pair: pair[0] == pair[1], zip(without, whole, strict=False))
        known = [token for token, _ in same]
        spaces = len(whole) - len(known)
        return Reading(ids=tuple(known), lost=(max(fewest, min(spaces, 1)), most + spaces))

    def _tokens_of(self, character: str) -> int:
        if character not in self._characters:
            ids = self._tokenizer.encode(character, add_special_tokens=False, split_special_tokens=True)
            self._characters[character] = len(ids)
        return self._characters[character]

    def _encoded(self, pieces: Sequence[Piece], prompt_ids: Sequence[int]) -> list[int]:
        if not any(own and self._has_special_tokens(piece) for piece, own in pieces):
            return self._encode(prompt_ids, text_of(pieces), special=False)  # as one text, so that pieces share tokens
        ids: list[int] = []
        for piece, own in pieces:
            ids += self._encode([*prompt_ids[-8:], *ids], piece, special=own)
        return ids

    def _has_special_tokens(self, text: str) -> bool:
        return self._encode((), text, special=True) != self._encode((), text, special=False)

    def _encode(self, context: Sequence[int], text: str, *, special: bool) -> list[int]:
        return encode_behind(context, text, self._tokenizer, special=special)
