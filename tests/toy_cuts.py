"""A tokenizer of a few pieces, and a reference that knows in which cut a model wrote each text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from token_difr.records import UNRESOLVED, TokenSequence, TopKBatch
from token_difr.reference import Reference

PIECES = ("<end>", "a", "b", "c", "ab", "bc", "abc", "ca", " ", " a", " ab", "cc")
PROMPT = [1, 2, 3]
LIKELY, UNLIKELY = -0.01, -6.0


class Pieces:
    """Cuts a text into the longest pieces from the left; 0 ends a message."""

    chat_template: Any = "yes"
    eos_token_id: int | None = 0
    name_or_path = "pieces"

    def apply_chat_template(
        self, conversation: Any, *, tokenize: bool, add_generation_prompt: bool, **variables: Any
    ) -> str:
        """``abc`` a message, and its end."""
        assert not tokenize
        assert not variables
        return "abc<end>" * (len(conversation) - add_generation_prompt) + "abc" * add_generation_prompt

    def encode(self, text: str, *, add_special_tokens: bool, split_special_tokens: bool) -> list[int]:
        """Ids of the longest pieces; characters that no piece has are left out."""
        assert not add_special_tokens
        tokens = []
        while text:
            fitting = [
                i for i, piece in enumerate(PIECES) if text.startswith(piece) and (i or not split_special_tokens)
            ]
            token = max(fitting, key=lambda i: len(PIECES[i]), default=None)
            tokens += [] if token is None else [token]
            text = text[1 if token is None else len(PIECES[token]) :]
        return tokens

    def decode(self, token_ids: list[int], *, skip_special_tokens: bool = False) -> str:
        """The pieces."""
        return "".join(PIECES[token] for token in token_ids if token or not skip_special_tokens)


def rows_of(sequence: TokenSequence, own: Sequence[int]) -> TopKBatch:
    """Rows of a model that wrote ``own``: sure of the next token as long as it reads its own, else of the end."""
    sent = list(sequence.output_token_ids)
    wanted = [own[j] if sent[:j] == list(own[:j]) and j < len(own) else 0 for j in range(len(sent))]
    return TopKBatch.from_rows(
        [[(best, LIKELY), (UNRESOLVED, UNLIKELY)] for best in wanted],
        sent,
        claimed_logprob=[LIKELY if best == token else UNLIKELY for best, token in zip(wanted, sent, strict=True)],
        prompt_lengths=[len(sequence.prompt_token_ids)],
    )


class KnowingReference(Reference):
    """Gives the rows of a model that wrote ``own``, by the text that it is sent.

    Attributes:
        own: Text -> output token ids of the model.
        asked: The outputs that it was asked for so far.
        fails_after: So many answers, then it goes down; None = never.
    """

    url = "http://reference/v1"
    model = "m"
    dialect = "vllm"
    topk_logprobs = 1

    def __init__(self, own: dict[str, Sequence[int]], *, fails_after: int | None = None) -> None:
        self.own = own
        self.asked: list[tuple[int, ...]] = []
        self.fails_after = fails_after

    async def rows(self, sequence: TokenSequence, *, tag: str) -> TopKBatch:
        """The rows of one sequence."""
        del tag
        if self.fails_after is not None and len(self.asked) >= self.fails_after:
            raise RuntimeError("stopped")
        output = [int(token) for token in sequence.output_token_ids]
        self.asked.append(tuple(output))
        return rows_of(sequence, self.own[Pieces().decode(output)])
