"""Many places of a text in one request: which are asked about together, what each saves, and that the right ones are kept."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from token_difr.records import UNRESOLVED, Fidelity, TokenSequence, TopKBatch
from token_difr.segmentation import LIKELIHOOD, Question, Repaired, Speller, repair
from token_difr.segmentation.spots import GAP, Spot, applied, gains, together
from toy_cuts import LIKELY, PIECES, PROMPT, UNLIKELY, Pieces

TOKENS = {piece: token for token, piece in enumerate(PIECES)}
PLAIN = ("abc", "abc", "abc")


def ids(*pieces: str) -> list[int]:
    return [TOKENS[piece] for piece in pieces]


def local_rows(sequence: TokenSequence, own: Sequence[int]) -> TopKBatch:
    """Rows of a model that wrote ``own`` and forgets: sure of its own token wherever one of its own begins."""
    begins, at = {}, 0
    for token in own:
        begins[at] = token
        at += len(PIECES[token])
    wanted, at = [], 0
    sent = list(sequence.output_token_ids)
    for token in sent:
        wanted.append(begins.get(at, 0))
        at += len(PIECES[token])
    return TopKBatch.from_rows(
        [[(best, LIKELY), (UNRESOLVED, UNLIKELY)] for best in wanted],
        sent,
        claimed_logprob=[LIKELY if best == token else UNLIKELY for best, token in zip(wanted, sent, strict=True)],
        prompt_lengths=[len(sequence.prompt_token_ids)],
    )


def repaired(own: Sequence[int], asked: list[Question], *, requests: int = 100) -> Repaired | None:
    tokens = Pieces().encode(Pieces().decode(list(own)), add_special_tokens=False, split_special_tokens=True)
    before = TokenSequence(PROMPT, tokens, fidelity=Fidelity.UNCOUNTED)

    async def ask(questions: Sequence[Question]) -> list[TopKBatch]:
        asked.extend(questions)
        return [local_rows(question.sequence, own) for question in questions]

    done = repair(
        {0: before},
        {0: local_rows(before, own)},
        judge=LIKELIHOOD,
        speller=Speller(Pieces()),
        lengths={},
        remembered={},
        ask=ask,
        requests=requests,
    )
    return asyncio.run(done).get(0)


@pytest.mark.parametrize("places", [1, 2, 4])
def test_many_places_cost_as_little_as_one(places: int) -> None:
    """Each of them is cut otherwise than by the tokenizer; all are found in one request."""
    own = [token for _ in range(places) for token in (*ids("c", "abc"), *ids(*PLAIN))]
    asked: list[Question] = []
    done = repaired(own, asked)
    assert done is not None
    assert done.sequence.output_token_ids == own
    assert len(asked) == 1


def test_an_honest_text_costs_nothing() -> None:
    """No row speaks for another cut."""
    asked: list[Question] = []
    assert repaired(ids(*PLAIN), asked) is None
    assert not asked


@given(st.lists(st.integers(1, len(PIECES) - 1), min_size=1, max_size=16), st.integers(0, 4))
def test_whatever_is_asked_spells_the_text(own: list[int], requests: int) -> None:
    """And no more is asked than may be."""
    asked: list[Question] = []
    done = repaired(own, asked, requests=requests)
    text = Pieces().decode(own)
    outputs = [*(question.sequence for question in asked), *([] if done is None else [done.sequence])]
    assert all(Pieces().decode(list(each.output_token_ids)) == text for each in outputs)
    assert len(asked) <= requests


SPOTS = (Spot(9.0, 4, 5, (1, 2)), Spot(8.0, 5, 6, (3,)), Spot(7.0, 8, 10, (4,)), Spot(6.0, 0, 1, (5, 6)))


@pytest.mark.parametrize(
    ("growths", "chosen"), [(range(-9, 9), [0, 2, 3]), (range(2), [0, 2, 3]), (range(-1, 1), [1, 2, 3]), ((2,), [])]
)
def test_together(growths: Sequence[int], chosen: list[int]) -> None:
    """The better come first; none is near another; the output never has a length that it may not have."""
    found = together(SPOTS, lambda growth: growth in growths)
    assert found == [SPOTS[n] for n in chosen]
    assert all(abs(a.start - b.start) >= GAP for a in found for b in found if a != b)


def test_what_each_saves() -> None:
    """At its place and shortly behind it, up to the next one: the losses of old tokens less those of the new."""
    output = list(range(100, 112))
    chosen = [SPOTS[2], SPOTS[0], SPOTS[3]]
    tokens = applied(output, chosen)
    assert tokens == (5, 6, 101, 102, 103, 1, 2, 105, 106, 107, 4, 110, 111)
    before, after = np.full(len(output), 2.0), np.full(len(tokens), 2.0)
    after[[0, 1]], after[[5, 6]], after[10] = 0.5, 1.0, 9.0
    assert gains(chosen, before, after) == {SPOTS[3]: 1.0, SPOTS[0]: 0.0, SPOTS[2]: -5.0}
