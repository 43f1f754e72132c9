"""The kinds that the profile tells tokens apart by: one grouping a function, from a side to a label for each token.

**A new grouping** is one function here and its line in ``GROUPINGS``.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from token_difr.diagnosis.entropy import row_entropies
from token_difr.diagnosis.side import Indexes, Side
from token_difr.diagnosis.token_classes import CLASSES, WORDS, token_kinds, word_parts
from token_difr.sequences import ReasoningJoiner, Tokenizer

__all__ = ["BEHIND_THOUGHT", "POSITIONS", "Kind", "groups_of", "positions_of", "thought_end"]

POSITION_EDGES = (0, 1, 4, 16, 64)
POSITIONS = ("first", *(f"{low + 1} to {high}" for low, high in itertools.pairwise(POSITION_EDGES[1:])), "from 65")
ENTROPY_EDGES = (0.0, 0.1, 0.5, 1.0, 2.0)
"""Nats."""
ENTROPIES = (
    *(f"{low:g} to {high:g}" for low, high in itertools.pairwise(ENTROPY_EDGES)),
    f"from {ENTROPY_EDGES[-1]:g}",
)

BEHIND_THOUGHT = 4
"""How many tokens count as right behind a thought's end."""


class Kind(NamedTuple):
    """Tokens of one kind.

    Attributes:
        group: By what they are told apart.
        name: Which they are.
        inside: bool[positions]; those that are of it.
    """

    group: str
    name: str
    inside: npt.NDArray[np.bool_]


def groups_of(side: Side, tokenizer: Tokenizer) -> list[Kind]:
    """All kinds of a side's tokens, in the order of the profile; the same ones for any side."""
    return [kind for grouping in GROUPINGS for kind in grouping(side, tokenizer)]


def positions_of(places: Indexes) -> Indexes:
    """int64, of the shape of ``places``: indexes in ``POSITIONS`` of places in an output, from 0."""
    return np.digitize(places, POSITION_EDGES).astype(np.int64) - 1


def thought_end(side: Side, tokenizer: Tokenizer) -> list[int]:
    """The token ids that close a thought, as the chat template writes them; none where there is no prompt."""
    prompts = side.evidence.prompts
    if not prompts:
        return []
    joiner = ReasoningJoiner(tokenizer, side.evidence.audit.asking.chat_template_kwargs)
    mark = joiner.join(prompts[0]).between.strip()
    return list(tokenizer.encode(mark, add_special_tokens=False, split_special_tokens=False))


def _by_position(side: Side, _: Tokenizer) -> list[Kind]:
    return _labelled("position", POSITIONS, positions_of(side.places))


def _by_place(side: Side, tokenizer: Tokenizer) -> list[Kind]:
    return [
        Kind("place", "right behind the thought", _behind(side, thought_end(side, tokenizer))),
        Kind("place", "last", side.last),
    ]


def _by_class(side: Side, tokenizer: Tokenizer) -> list[Kind]:
    kinds = token_kinds(side.claimed, tokenizer)
    words = word_parts(kinds, side.before)
    return [*_labelled("token class", CLASSES, kinds.classes), *_labelled("word", WORDS, words)]


def _by_entropy(side: Side, _: Tokenizer) -> list[Kind]:
    entropies = row_entropies(side.evidence.batch)
    labels = np.digitize(entropies, ENTROPY_EDGES) - 1  # NaN lies behind the last edge
    return _labelled("entropy", ENTROPIES, np.where(np.isnan(entropies), -1, labels))


GROUPINGS: tuple[Callable[[Side, Tokenizer], list[Kind]], ...] = (_by_position, _by_place, _by_class, _by_entropy)


def _labelled(group: str, names: Sequence[str], labels: npt.NDArray[np.integer]) -> list[Kind]:
    return [Kind(group, name, labels == label) for label, name in enumerate(names)]


def _behind(side: Side, mark: Sequence[int]) -> npt.NDArray[np.bool_]:
    """bool[positions]: the first tokens behind the first place in an output where all of ``mark`` stands."""
    claimed, behind = side.claimed, np.zeros(len(side.claimed), np.bool_)
    if not mark or len(mark) > len(claimed):
        return behind
    found = np.ones(len(claimed) - len(mark) + 1, np.bool_)
    for offset, token in enumerate(mark):
        found &= claimed[offset : offset + len(found)] == token
    ends = np.flatnonzero(found) + len(mark) - 1  # the last token of the mark
    whole = side.places[ends] >= len(mark) - 1
    owners = np.repeat(np.arange(len(side.lengths)), side.lengths)
    _, first = np.unique(owners[ends[whole]], return_index=True)
    for step in range(1, BEHIND_THOUGHT + 1):
        places = ends[whole][first] + step
        inside = places < len(claimed)
        places = places[inside][owners[places[inside]] == owners[ends[whole][first][inside]]]
        behind[places] = True
    return behind
