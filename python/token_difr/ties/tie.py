"""A near tie, and a file of them."""

from __future__ import annotations

import hashlib
import json
import math
import os
from dataclasses import asdict, dataclass
from typing import Self

from token_difr.errors import InputError
from token_difr.records import LARGEST_ID, Conversation
from token_difr.ties.record_file import load_record, save_record

__all__ = ["Tie", "TieSet"]

FORMAT = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Tie:
    """A place in an answer of the reference, and the reference's row there.

    Attributes:
        prompt: The conversation that it answered.
        prompt_token_ids: The same as the chat template writes it.
        prefix: What it had answered before this place.
        prefix_token_ids: The same as its token ids; what a tokenizer makes of ``prefix`` behind the prompt, too.
        token_ids: The likeliest tokens of the place, likeliest first; at least two.
        logprobs: Their natural logprobs.
        texts: Their texts, as they stand behind the prefix.

    Raises:
        InputError: Fewer than two tokens, or not one logprob and one text each.
    """

    prompt: Conversation
    prompt_token_ids: tuple[int, ...]
    prefix: str
    prefix_token_ids: tuple[int, ...]
    token_ids: tuple[int, ...]
    logprobs: tuple[float, ...]
    texts: tuple[str, ...]

    def __post_init__(self) -> None:
        if not 2 <= len(self.token_ids) == len(self.logprobs) == len(self.texts):
            raise InputError("a tie has at least two tokens, each with a logprob and a text")
        if not all(
            0 <= token <= LARGEST_ID for token in (*self.prompt_token_ids, *self.prefix_token_ids, *self.token_ids)
        ):
            raise InputError(f"token ids lie in 0 to {LARGEST_ID}")
        if not all(math.isfinite(logprob) for logprob in self.logprobs) or self.gap < 0:
            raise InputError("logprobs are finite, and the likeliest token comes first")

    @property
    def gap(self) -> float:
        """By how many nats the likeliest token leads the second."""
        return self.logprobs[0] - self.logprobs[1]

    @property
    def position(self) -> int:
        """Tokens of the answer before this place."""
        return len(self.prefix_token_ids)

    @property
    def conversation(self) -> Conversation:
        """What a chat endpoint is sent: the prompt, and the answer as it has begun."""
        return [*self.prompt, {"role": "assistant", "content": self.prefix}] if self.prefix else list(self.prompt)


@dataclass(frozen=True, kw_only=True, slots=True)
class TieSet:
    """Ties of one reference.

    Attributes:
        reference: The reference's base URL.
        model: The model that it was asked for.
        tokenizer: What its tokenizer can be loaded by; None where it was given as an object without a name.
        tokenizer_digest: SHA-256 of the tokenizer's vocabulary, rules and chat template.
        picked: When, in UTC, by ISO 8601.
        ties: The ties, in the order in which they are asked.
        sure: Places at which the reference was sure of its token: whoever goes on with an answer gives the same there.
        precision: What the reference computed in, as whoever picked them says; None where that is not stated.
    """

    reference: str | None
    model: str
    tokenizer: str | None
    tokenizer_digest: str | None
    picked: str
    ties: tuple[Tie, ...]
    sure: tuple[Tie, ...] = ()
    precision: str | None = None

    @property
    def digest(self) -> str:
        """SHA-256, in hexadecimal, of the ties: prompts, prefixes and rows."""
        canonical = json.dumps([asdict(tie) for tie in self.ties], sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode("ascii")).hexdigest()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the file, whole or not at all.

        Raises:
            RunDirectoryError: It cannot be written.
        """
        save_record(self, path, FORMAT)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read a file of :meth:`save`.

        Raises:
            InputError: There is none, it is damaged or edited, or was written in another format.
        """
        older = {"precision": None}  # files from before it was kept
        return load_record(cls, path, FORMAT, holds="ties", verb="token-difr ties pick", older=older)
