"""Other cuts of a text that the reference's rows speak for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from token_difr.records import UNRESOLVED, TokenSequence, TopKBatch
from token_difr.segmentation.judge import Judge
from token_difr.segmentation.spelling import Speller

__all__ = ["Cut", "cuts"]


class Cut(NamedTuple):
    """Another cut of the same text.

    Attributes:
        tokens: The whole output.
        position: Where it begins to differ.
        saved: The losses of all tokens from there on, nats.
        loss: Those of its own tokens that are known, nats.
    """

    tokens: tuple[int, ...]
    position: int
    saved: float
    loss: float

    @property
    def promise(self) -> float:
        """What it saves if all its other tokens are certain, nats: a bound."""
        return self.saved - self.loss


def cuts(index: int, sequence: TokenSequence, rows: TopKBatch, judge: Judge, speller: Speller) -> list[Cut]:
    """The cuts that differ from ``sequence`` from one position on, the most promising first.

    Where a token c explains the text better than the claimed one, the output is what stands before it, c, and then either
    the tokenizer's own cut of all that follows, or its cut of what is left of the token in which c ends, and the tokens as
    they are behind that.

    Args:
        index: Of the sequence.
        sequence: The text as it is cut now.
        rows: Its rows, a batch of one sequence.
        judge: What tokens are judged by.
        speller: The model's tokenizer.
    """
    losses = judge.losses(index, rows)
    hopes = losses - judge.unseen(rows) > judge.least_advantage
    output = [int(token) for token in sequence.output_token_ids]
    found: dict[tuple[int, ...], Cut] = {}
    for region in speller.texts(output):
        text = _Text([*sequence.prompt_token_ids, *output[: region.start]], output[region], speller)
        wanted = [j for j in range(region.start, region.stop) if losses[j] > judge.least_advantage]
        others = {j: list(text.fitting(j - region.start, _row(rows, j), unseen=bool(hopes[j]))) for j in wanted}
        for position, token, loss in _alternatives(index, rows, others, judge):
            if losses[position] - loss <= judge.least_advantage:
                continue
            for recut in text.recuts(position - region.start, token):
                tokens = (*output[: region.start], *recut, *output[region.stop :])
                cut = Cut(tokens, position, float(losses[position:].sum()), loss)
                found[tokens] = max(cut, found.get(tokens, cut), key=lambda each: each.promise)
    return sorted(found.values(), key=lambda cut: (-cut.promise, cut.tokens))


class _Text:
    """A text in its tokens, and what else may stand at one of them."""

    def __init__(self, context: list[int], tokens: list[int], speller: Speller) -> None:
        self._context = context
        self._tokens = tokens
        self._speller = speller
        self._ends = [len(self._up_to(position)) for position in range(len(tokens) + 1)]
        self._text = self._up_to(len(tokens))

    def fitting(self, position: int, row: list[int], *, unseen: bool) -> Iterator[int]:
        """The tokens that spell what comes at a position, or its beginning; the one that is there left out.

        Those of the row, and if ``unseen``, others that the tokenizer knows.
        """
        before = self._ends[position]
        rest = self._text[before:]
        likely = [token for token in row if token != UNRESOLVED and self._speller.may_begin(rest, token)]
        for token in dict.fromkeys([*likely, *(self._speller.beginnings(rest) if unseen else [])]):
            if token != self._tokens[position]:
                spelled = self._up_to(position, token)
                if len(spelled) > before and self._text.startswith(spelled):
                    yield token

    def recuts(self, position: int, token: int) -> Iterator[list[int]]:
        """The text with ``token`` at a position, in both ways; without those that the tokenizer writes otherwise."""
        end = len(self._up_to(position, token))
        for k in dict.fromkeys([len(self._tokens), next(k for k, at in enumerate(self._ends) if at >= end)]):
            middle = self._speller.encoded(self._text[end : self._ends[k]])
            tokens = [*self._tokens[:position], token, *middle, *self._tokens[k:]]
            if self._speller.spelled(self._context, tokens) == self._text:
                yield tokens

    def _up_to(self, position: int, *more: int) -> str:
        return self._speller.spelled(self._context, [*self._tokens[:position], *more])


def _row(rows: TopKBatch, position: int) -> list[int]:
    return [int(token) for token in rows.token_ids[rows.indptr[position] : rows.indptr[position + 1]]]


def _alternatives(
    index: int, rows: TopKBatch, others: dict[int, list[int]], judge: Judge
) -> Iterator[tuple[int, int, float]]:
    """Position, token and its loss, for all tokens that fit: the same rows, judged with one of them claimed at a time."""
    for turn in range(max(map(len, others.values()), default=0)):
        chosen = {j: tokens[turn] for j, tokens in others.items() if turn < len(tokens)}
        losses = judge.losses(index, _claiming(rows, chosen))
        yield from ((j, token, float(losses[j])) for j, token in chosen.items())


def _claiming(rows: TopKBatch, chosen: dict[int, int]) -> TopKBatch:
    """The same rows with other tokens claimed; the value of one that a row lacks is unknown."""
    positions = list(chosen)
    claimed, logprob, rank = rows.claimed.copy(), rows.claimed_logprob.copy(), rows.claimed_rank.copy()
    claimed[positions] = list(chosen.values())
    logprob[positions], rank[positions] = np.nan, -1
    return TopKBatch(
        indptr=rows.indptr,
        token_ids=rows.token_ids,
        logprobs=rows.logprobs,
        claimed=claimed,
        claimed_logprob=logprob,
        claimed_rank=rank,
        sequence_indptr=rows.sequence_indptr,
        prompt_lengths=rows.prompt_lengths,
        contiguous=rows.contiguous,
    )
