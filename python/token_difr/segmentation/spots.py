"""Places of a text that may be cut otherwise, several of which are asked about in one request."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from token_difr.records import TokenSequence, TopKBatch
from token_difr.segmentation.cuts import Cut, cuts
from token_difr.segmentation.judge import Floats, Judge
from token_difr.segmentation.spelling import Speller

__all__ = ["Spot", "applied", "gains", "spots", "spots_behind", "together"]

USUAL_LOSS = 4.0
"""Nats that a token is taken to lose whose row nobody has asked for: what tokens do that were drawn at temperature 1."""
TAIL = 1
"""Tokens behind a spot that depend on how it is cut: they count as if nobody had asked for them."""
WINDOW = 4
"""Tokens behind a spot whose losses tell, too, whether it is cut rightly."""
GAP = 2
"""Least tokens between two spots that are asked about together."""
NEAR = 3
"""Tokens behind the beginning of a spot at which it is cut once more: two steps off the tokenizer's way."""


class Spot(NamedTuple):
    """Other tokens at one place of an output.

    Attributes:
        score: Nats that they are expected to save.
        start: The first token that they replace.
        stop: The first token behind those that they replace.
        tokens: What is there instead.
    """

    score: float
    start: int
    stop: int
    tokens: tuple[int, ...]

    @property
    def growth(self) -> int:
        """How many tokens the output has more with it."""
        return len(self.tokens) - (self.stop - self.start)


def spots(index: int, sequence: TokenSequence, rows: TopKBatch, judge: Judge, speller: Speller) -> list[Spot]:
    """The spots of a sequence that its rows speak for.

    Args:
        index: Of the sequence.
        sequence: The text as it is cut now.
        rows: Its rows, a batch of one sequence.
        judge: What tokens are judged by.
        speller: The model's tokenizer.
    """
    output, losses = list(sequence.output_token_ids), judge.losses(index, rows)
    found = []
    for cut in cuts(index, sequence, rows, judge, speller):
        stop, tokens = _changed(output, cut)
        found.append(_spot(losses, cut.position, stop, tokens, known=(cut.loss,)))
    return found


def spots_behind(
    asked: Sequence[Spot],
    index: int,
    sequence: TokenSequence,
    rows: tuple[TopKBatch, TopKBatch],
    *,
    judge: Judge,
    speller: Speller,
) -> list[Spot]:
    """Spots that begin as those which were asked for and go on otherwise: the model left the tokenizer's way twice in a row.

    Args:
        asked: What was asked for together.
        index: Of the sequence.
        sequence: The text as it is cut without them.
        rows: Those of the sequence, and those of it with the spots.
        judge: What tokens are judged by.
        speller: The model's tokenizer.
    """
    losses, seen = (judge.losses(index, each) for each in rows)
    tried = list(applied(sequence.output_token_ids, asked))
    found, shift = [], 0
    further = cuts(index, _with(sequence, tried), rows[1], judge, speller)
    for spot in sorted(asked, key=lambda each: each.start):
        start = spot.start + shift
        end = start + len(spot.tokens)
        shift += spot.growth
        next_start = min((each.start for each in asked if each.start > spot.start), default=len(losses))
        for cut in further:
            if not start < cut.position <= start + NEAR:
                continue
            stop, tokens = _changed(tried, cut)
            whole = (*tried[start : cut.position], *tokens, *tried[stop:end])
            old_stop = max(stop - shift, spot.stop)
            if old_stop <= next_start:
                known = (*map(float, seen[start : cut.position]), cut.loss)
                found.append(_spot(losses, spot.start, old_stop, whole, known=known))
    return found


def together(candidates: Sequence[Spot], fits: Callable[[int], bool]) -> list[Spot]:
    """The best spots that can be asked about in one request, the best first: none touches another.

    Args:
        candidates: The better come first.
        fits: Growth of the output in tokens -> whether it may be as long.
    """
    chosen: list[Spot] = []
    growth = 0
    for spot in candidates:
        apart = all(spot.start >= each.stop + GAP or spot.stop + GAP <= each.start for each in chosen)
        if apart and fits(growth + spot.growth):
            chosen.append(spot)
            growth += spot.growth
    return chosen


def applied(output: Sequence[int], chosen: Sequence[Spot]) -> tuple[int, ...]:
    """The output with spots that do not overlap."""
    tokens, at = [], 0
    for spot in sorted(chosen, key=lambda each: each.start):
        tokens += [*output[at : spot.start], *spot.tokens]
        at = spot.stop
    return (*tokens, *output[at:])


def gains(chosen: Sequence[Spot], before: Floats, after: Floats) -> dict[Spot, float]:
    """What each spot saves at its place and shortly behind it, nats.

    Args:
        chosen: Those that were asked about together.
        before: Losses of the output without them.
        after: Losses with them.
    """
    ordered = sorted(chosen, key=lambda each: each.start)
    saved, shift = {}, 0
    for spot, following in zip(ordered, [*(each.start for each in ordered[1:]), len(before)], strict=True):
        end = min(spot.stop + WINDOW, following)
        lost = after[spot.start + shift : end + shift + spot.growth]
        saved[spot] = float(before[spot.start : end].sum() - lost.sum())
        shift += spot.growth
    return saved


def _spot(losses: Floats, start: int, stop: int, tokens: tuple[int, ...], *, known: tuple[float, ...]) -> Spot:
    tail = min(TAIL, len(losses) - stop)
    unknown = len(tokens) - len(known) + tail
    score = float(losses[start : stop + tail].sum()) - sum(known) - USUAL_LOSS * unknown
    return Spot(score, start, stop, tokens)


def _changed(output: Sequence[int], cut: Cut) -> tuple[int, tuple[int, ...]]:
    """Where the tokens are the same again behind a cut, and what stands there instead up to that."""
    common, shortest = 0, min(len(output), len(cut.tokens)) - cut.position
    while common < shortest and output[-1 - common] == cut.tokens[-1 - common]:
        common += 1
    return len(output) - common, cut.tokens[cut.position : len(cut.tokens) - common]


def _with(sequence: TokenSequence, tokens: Sequence[int]) -> TokenSequence:
    return TokenSequence(sequence.prompt_token_ids, list(tokens))
