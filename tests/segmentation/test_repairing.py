"""A repair finds the model's own cut, keeps the text, leaves alone what it must, and never asks for too much."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from token_difr.records import Fidelity, TokenSequence, TopKBatch
from token_difr.segmentation import LIKELIHOOD, Judge, Question, Repaired, Speller, by_choice, repair
from toy_cuts import PIECES, PROMPT, Pieces, rows_of

TOKENS = {piece: token for token, piece in enumerate(PIECES)}
GREEDY = by_choice(LIKELIHOOD.losses)


def ids(*pieces: str) -> list[int]:
    return [TOKENS[piece] for piece in pieces]


def from_text(own: Sequence[int], fidelity: Fidelity = Fidelity.UNCOUNTED) -> TokenSequence:
    """The sequence that the tokenizer makes of what a model wrote."""
    text = Pieces().decode(list(own))
    tokens = Pieces().encode(text, add_special_tokens=False, split_special_tokens=False)
    return TokenSequence(PROMPT, tokens, fidelity=fidelity)


def repaired(
    own: Mapping[int, Sequence[int]],
    sequences: Mapping[int, TokenSequence],
    asked: list[Question] | None = None,
    *,
    requests: int = 100,
    lengths: Mapping[int, range] | None = None,
    remembered: Mapping[tuple[int, tuple[int, ...]], TopKBatch] | None = None,
    judge: Any = GREEDY,
) -> dict[int, Repaired]:
    async def ask(questions: Sequence[Question]) -> list[TopKBatch]:
        if asked is not None:
            asked.extend(questions)
        return [rows_of(question.sequence, own[question.index]) for question in questions]

    rows = {index: rows_of(sequence, own[index]) for index, sequence in sequences.items() if sequence.scorable}
    return asyncio.run(
        repair(
            sequences,
            rows,
            judge=judge,
            speller=Speller(Pieces()),
            lengths=lengths or {},
            remembered=remembered or {},
            ask=ask,
            requests=requests,
        )
    )


@pytest.mark.parametrize(
    "own",
    [
        pytest.param(ids("c", "a", "b", "c"), id="a shorter token"),
        pytest.param(ids("ab", "c", "b", "<end>"), id="before an end token"),
        pytest.param(ids("cc", " ", "ab", "c"), id="a space alone"),
        pytest.param(ids("a", "b", "c", "ab", "c", "abc"), id="several in a row"),
        pytest.param(ids("a", "bc", "<end>", "a", "bc"), id="two texts"),
    ],
)
def test_finds_the_models_own_cut(own: list[int]) -> None:
    """Wherever it leaves the tokenizer's; the record says that it was repaired."""
    before = from_text(own)
    assert list(before.output_token_ids) != own
    done = repaired({0: own}, {0: before})
    assert done[0].sequence == replace(before, output_token_ids=own, repaired=True)
    assert done[0].rows.claimed.tolist() == own


@given(st.lists(st.integers(1, len(PIECES) - 1), min_size=1, max_size=12), st.randoms())
def test_the_text_stays_the_same(own: list[int], random: Any) -> None:
    """Whatever a reference says of whatever cut: every question and every result spells what was sent."""
    asked: list[Question] = []
    believed = list(own)
    random.shuffle(believed)
    before = from_text(own)
    text = Pieces().decode(list(before.output_token_ids))
    for believes in (own, believed):
        done = repaired({0: believes}, {0: before}, asked)
        outputs = [*(question.sequence for question in asked), *(each.sequence for each in done.values())]
        assert all(Pieces().decode(list(each.output_token_ids)) == text for each in outputs)


@pytest.mark.parametrize("fidelity", [Fidelity.IDS, Fidelity.INCOMPLETE, None])
def test_leaves_alone_what_is_no_text(fidelity: Fidelity | None) -> None:
    """Ids of the provider's own, an answer of which parts are missing, and one of which nobody says where it is from."""
    own = ids("c", "a", "b", "c")
    asked: list[Question] = []
    assert not repaired({0: own}, {0: replace(from_text(own), fidelity=fidelity)}, asked)
    assert not repaired({0: own}, {0: replace(from_text(own), repaired=True)}, asked)
    assert not asked


def test_an_honest_cut_costs_nothing() -> None:
    """Where the tokenizer's own way explains the rows, nothing is asked."""
    own = ids("abc", "abc", "<end>")
    asked: list[Question] = []
    assert not repaired({0: own}, {0: from_text(own)}, asked)
    assert not asked


def test_a_contradicted_answer_becomes_counted() -> None:
    """It is asked for as it is, since nothing had paid for its rows, and then as it was counted."""
    own = ids("c", "a", "b", "c")
    before = from_text(own, Fidelity.CONTRADICTED)
    asked: list[Question] = []
    done = repaired({0: own}, {0: before}, asked, lengths={0: range(4, 5)})
    assert done[0].sequence.fidelity is Fidelity.COUNTED
    assert done[0].sequence.scorable
    assert asked[0].tokens == tuple(before.output_token_ids)


def test_no_cut_is_further_from_the_count() -> None:
    """A cut that the count speaks against is not asked for, however likely, where only likelihoods speak for it."""
    own = ids("c", "a", "b", "c")
    before = from_text(own, Fidelity.COUNTED)
    asked: list[Question] = []
    repaired(
        {0: own},
        {0: before},
        asked,
        lengths={0: range(len(before.output_token_ids), len(before.output_token_ids) + 1)},
        judge=LIKELIHOOD,
    )
    assert asked
    assert all(len(question.tokens) == len(before.output_token_ids) for question in asked)


@pytest.mark.parametrize("requests", [0, 1, 2, 5])
def test_never_asks_for_more_than_it_may(requests: int) -> None:
    """The most promising cuts first."""
    own = {index: ids("a", "b", "c", "ab", "c", "abc") for index in range(4)}
    asked: list[Question] = []
    repaired(own, {index: from_text(own[index]) for index in own}, asked, requests=requests)
    assert len(asked) == requests


@pytest.mark.parametrize("judge", [GREEDY, LIKELIHOOD], ids=["the choice is known", "drawn at random"])
@pytest.mark.parametrize("requests", [100, 7, 2])
def test_what_is_remembered_is_not_asked_again(judge: Judge, requests: int) -> None:
    """A repair that was stopped comes to the same end, and asks for the rest alone."""
    own = {index: ids("a", "b", "c", "ab", "c", "abc") for index in range(3)}
    before = {index: from_text(own[index]) for index in own}
    whole: list[Question] = []
    expected = repaired(own, before, whole, judge=judge, requests=requests)
    for known in range(len(whole) + 1):
        rest: list[Question] = []
        remembered = {(q.index, q.tokens): rows_of(q.sequence, own[q.index]) for q in whole[:known]}
        done = repaired(own, before, rest, remembered=remembered, judge=judge, requests=requests)
        assert {i: each.sequence for i, each in done.items()} == {i: each.sequence for i, each in expected.items()}
        assert len(rest) == len(whole) - known


def test_a_choice_that_is_known_is_followed() -> None:
    """Losses of a judge of one's own decide: here the distance to a row's best, as at temperature 0."""
    own = ids("c", "a", "b", "c")
    judge = by_choice(lambda index, rows: LIKELIHOOD.losses(index, rows) - 0.01)
    assert repaired({0: own}, {0: from_text(own)}, judge=judge)[0].sequence.output_token_ids == own
