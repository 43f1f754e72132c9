"""Answers as a page shows them: a few of them, token by token, beside what the reference would have had."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from token_difr.records import UNRESOLVED, Conversation, Fidelity, Scores, ScoreStatus, TokenSequence, TopKBatch
from token_difr.sequences import Tokenizer, decode_behind
from token_difr.untrusted import printable
from token_difr.verdict.positions import Positions

__all__ = ["LEVELS", "Answer", "Answers", "Candidate", "Chosen", "Message", "Token", "choose"]

MOST_TOKENS = 300
"""Of one answer; what is longer is cut."""

MOST_OF_ALL = 2_400
"""Tokens on a page, so that it stays small enough to send."""

MOST_ANSWERS = 40
MOST_CANDIDATES = 5
LONGEST_TOKEN, LONGEST_MESSAGE, LONGEST_PROMPT, MOST_MESSAGES = 60, 1_200, 4_000, 12

FIDELITIES = {
    Fidelity.IDS: "the provider's own ids",
    Fidelity.COUNTED: "made from its text, as many as it counted",
    Fidelity.UNCOUNTED: "made from its text",
    Fidelity.CONTRADICTED: "made from its text, and not as many as it counted",
    Fidelity.INCOMPLETE: "incomplete",
    None: "given",
}

LEVELS = ("same", "near", "apart", "far", "unknown")
"""Of a token: the reference's own; a mismatch by up to 0.1 nats, up to 1, beyond; not decided.

Where nothing was replayed: by how much less likely it is than an honest sampler's tokens are on average, up to 1 nat, 3, 6, beyond.
"""

LEVEL_EDGES = (0.0, 0.1, 1.0)
SURPRISE_EDGES = (1.0, 3.0, 6.0)
"""Nats."""


class Candidate(NamedTuple):
    """A token of the reference's row, its text safe to show, and its natural logprob."""

    text: str
    logprob: float


class Token(NamedTuple):
    """A token of an answer.

    Attributes:
        text: Its text; control characters as escapes, but for line breaks.
        token_id: Its id.
        level: One of ``LEVELS``.
        margin: How far it was from being chosen, in nats; NaN where that is not known.
        rank: How many tokens the reference thinks likelier; NaN where that is not known.
        prob: Its probability under the reference; NaN where that is not known.
        status: The score's status.
        candidates: The likeliest of the reference's row.
    """

    text: str
    token_id: int
    level: str
    margin: float
    rank: float
    prob: float
    status: str
    candidates: tuple[Candidate, ...]


class Message(NamedTuple):
    """A message of the prompt: who says it, and what, both safe to show."""

    role: str
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """An answer with its prompt.

    Attributes:
        index: Its number in the run, from 0.
        why: Why it is shown: "worst", "in the middle" or "at random".
        prompt: The messages that it answers.
        tokens: Its tokens, from the first on.
        cut: How many tokens are left out behind them.
        mismatches: How many of all its tokens are not the reference's own.
        fidelity: How surely its tokens are the model's own, in words.
    """

    index: int
    why: str
    prompt: tuple[Message, ...]
    tokens: tuple[Token, ...]
    cut: int
    mismatches: int
    fidelity: str


class Chosen(NamedTuple):
    """An answer to show, and why."""

    number: int
    why: str


def choose(scores: Scores, *, seed: int = 0) -> list[Chosen]:
    """Which answers to show: the worst, those in the middle, and some at random, as many as the page has room for.

    Args:
        scores: Scores of all of them; an answer is as bad as the sum of its margins, each up to one nat, or of its surprises where
            nothing was replayed.
        seed: Draws those at random.
    """
    lengths = np.diff(scores.sequence_indptr)
    badness = _badness(scores)
    order = [int(index) for index in np.argsort(-badness, kind="stable") if lengths[index]]
    rest = np.random.default_rng(seed).permutation(len(order)).tolist()
    middle = sorted(range(len(order)), key=lambda place: abs(place - len(order) // 2))
    turns = (
        *((order[place], "worst") for place in range(min(4, len(order)))),
        *((order[place], "in the middle") for place in middle[:2]),
        *((order[place], "at random") for place in rest[:4]),
        *((index, "worst") for index in order[4:]),
    )
    chosen, left = dict[int, str](), MOST_OF_ALL
    for index, why in turns:
        shown = min(int(lengths[index]), MOST_TOKENS)
        if index not in chosen and shown <= left and len(chosen) < MOST_ANSWERS:
            chosen[index], left = why, left - shown
    reasons = ("worst", "in the middle", "at random")
    return sorted(
        (Chosen(number, why) for number, why in chosen.items()),
        key=lambda one: (reasons.index(one.why), -badness[one.number]),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Answers:
    """All answers of a run, from which a page takes some.

    Attributes:
        prompts: The conversations that they answer.
        sequences: Their tokens, by index.
        batch: The reference's rows.
        scores: Their scores.
        tokenizer: The model's; None = tokens are shown by their ids.
    """

    prompts: Sequence[Conversation]
    sequences: Mapping[int, TokenSequence]
    batch: TopKBatch
    scores: Scores
    tokenizer: Tokenizer | None

    def shown(self, chosen: Chosen) -> Answer:
        """One of them, as a page has it."""
        first, end = (int(edge) for edge in self.scores.sequence_indptr[chosen.number : chosen.number + 2])
        last, sequence = min(end, first + MOST_TOKENS), self.sequences[chosen.number]
        ids = list(sequence.output_token_ids)
        wrong = (Positions(self.scores).decided & ~self.scores.exact_match)[first:end]
        return Answer(
            index=chosen.number,
            why=chosen.why,
            prompt=tuple(_messages(self.prompts[chosen.number])),
            tokens=tuple(self._token(place, ids[: place - first + 1]) for place in range(first, last)),
            cut=end - last,
            mismatches=int(np.count_nonzero(wrong)),
            fidelity=FIDELITIES[sequence.fidelity],
        )

    def _token(self, place: int, ids: list[int]) -> Token:
        """The last of ``ids``, whose row and score are at ``place``."""
        *before, token = ids
        scores = self.scores
        status, margin = ScoreStatus(int(scores.status[place])), float(scores.margin_bound[place])
        row = slice(int(self.batch.indptr[place]), int(self.batch.indptr[place + 1]))
        entries = zip(self.batch.logprobs[row].tolist(), self.batch.token_ids[row].tolist(), strict=True)
        likeliest = sorted(entries, key=lambda entry: -entry[0])[:MOST_CANDIDATES]
        return Token(
            text=self._text(before, token),
            token_id=token,
            level=_level(status, 0.0 if scores.exact_match[place] else margin, float(scores.surprise[place])),
            margin=margin,
            rank=float(scores.logit_rank[place]),
            prob=float(scores.prob[place]),
            status=status.word,
            candidates=tuple(Candidate(self._text(before, each), logprob) for logprob, each in likeliest),
        )

    def _text(self, before: list[int], token: int) -> str:
        if token == UNRESOLVED:
            return "[no single token]"
        if self.tokenizer is None:
            return f"#{token} "
        return _lines(decode_behind(before, [token], self.tokenizer), longest=LONGEST_TOKEN)


def _badness(scores: Scores) -> npt.NDArray[np.float64]:
    positions = Positions(scores)
    surprise = np.where(scores.status == ScoreStatus.UNREPLAYED, np.nan_to_num(scores.surprise), 0.0)
    return positions.summed(np.minimum(positions.margin, 1.0) + surprise)


def _messages(prompt: Conversation) -> Iterator[Message]:
    left = LONGEST_PROMPT
    for number, message in enumerate(prompt):
        if number == MOST_MESSAGES or left <= 0:
            yield Message("", f"... and {len(prompt) - number} messages more")
            return
        content = message.get("content")
        parts = content if isinstance(content, list) else [{"text": content}]
        texts = (part.get("text") for part in parts if isinstance(part, dict))
        text = _lines("\n".join(text for text in texts if isinstance(text, str)), longest=min(LONGEST_MESSAGE, left))
        left -= len(text)
        yield Message(printable(str(message.get("role", ""))), text)


def _level(status: ScoreStatus, margin: float, surprise: float) -> str:
    """One of ``LEVELS``; the margin is 0 where the token is the reference's own."""
    value, edges = (surprise, SURPRISE_EDGES) if status is ScoreStatus.UNREPLAYED else (margin, LEVEL_EDGES)
    if math.isnan(value) or not (status.decided or status is ScoreStatus.UNREPLAYED):
        return "unknown"
    return LEVELS[sum(value > edge for edge in edges)]


def _lines(text: str, *, longest: int) -> str:
    """Safe to show, its line breaks kept; at most ``longest`` characters, escapes counted, and a sign where it is cut."""
    whole = text[: 2 * longest + 1].replace("\r\n", "\n")
    lines, left = list[str](), longest
    for line in whole.split("\n"):
        shown = printable(line, longest=len(line))
        if len(shown) > left:
            return "\n".join([*lines, *([shown[:left]] if left > 0 else [])]) + "…"
        lines.append(shown)
        left -= len(shown) + 1
    return "\n".join(lines)
