"""Bets on answers, one pair after the other: what honest ones win, what deviating ones do, and the bound of a loss."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from token_difr.records import Rule, Scores, ScoreStatus
from token_difr.verdict.answer_bets import AnswerBets, bet_on_answers, excludes_loss, fewest_further, loss_upper

RULE = Rule()
LIMITS: dict[str, Any] = {"level": RULE.level, "tolerance": RULE.tolerance, "fewest": RULE.fewest_sequences}
Marks = npt.NDArray[np.bool_]


def scores_of(answers: list[Marks], margin: float = 0.3) -> Scores:
    """Answers of which the marked tokens are not the reference's, by so many nats."""
    wrong = np.concatenate([*answers, np.empty(0, np.bool_)])
    size, margins = len(wrong), np.where(wrong, margin, 0.0).astype(np.float32)
    return Scores(
        margin=margins,
        margin_bound=margins,
        exact_match=~wrong,
        prob=np.full(size, 0.5, np.float32),
        logit_rank=np.where(wrong, 2, 1).astype(np.float32),
        gumbel_rank=np.where(wrong, 2, 1).astype(np.float32),
        surprise=np.full(size, np.nan, np.float32),
        percentile=None,
        status=np.full(size, ScoreStatus.SCORED, np.uint8),
        sequence_indptr=np.cumsum([0, *map(len, answers)]),
    )


def drawn(rng: np.random.Generator, count: int, rate: float, tokens: int = 30) -> list[Marks]:
    return [rng.random(tokens) < rate for _ in range(count)]


def one_by_one(count: int) -> npt.NDArray[np.int64]:
    return np.repeat(np.arange(count)[:, None], 2, axis=1)


def bets_of(ours: list[Marks], theirs: list[Marks]) -> AnswerBets:
    return bet_on_answers(scores_of(ours), scores_of(theirs), one_by_one(len(ours)))


@pytest.mark.parametrize("tokens", [1, 2, 30])
def test_wealth_is_a_fair_game(tokens: int) -> None:
    """Over all ways in which the two answers of each pair may change places, the mean of the wealth behind every pair is 1."""
    rng = np.random.default_rng(tokens)
    pairs = list(zip(drawn(rng, 7, 0.3, tokens), drawn(rng, 7, 0.1, tokens), strict=True))
    wealths = [
        bets_of(
            *map(list, zip(*(pair[:: -1 if swap else 1] for pair, swap in zip(pairs, swaps, strict=True)), strict=True))
        ).wealth
        for swaps in itertools.product((False, True), repeat=len(pairs))
    ]
    np.testing.assert_allclose(np.mean(wealths, axis=0), 1.0, rtol=1e-12)


@settings(max_examples=30)
@given(seed=st.integers(0, 2**32 - 1), known=st.integers(1, 9))
def test_what_is_bet_stands_before_the_answer(seed: int, known: int) -> None:
    """The wealth behind a pair is the same whatever comes after it."""
    rng = np.random.default_rng(seed)
    ours, theirs = (drawn(rng, 10, rate, int(rng.integers(1, 40))) for rate in (0.2, 0.1))
    whole, part = bets_of(ours, theirs), bets_of(ours[:known], theirs[:known])
    np.testing.assert_array_equal(whole.wealth[:known], part.wealth)


def test_the_longer_answer_is_cut() -> None:
    """What has no counterpart is not bet on: answers of any length that match up to the shorter one's end are equal."""
    rng = np.random.default_rng(0)
    theirs = drawn(rng, 20, 0.05, 10)
    ours = [np.concatenate([marks, np.ones(50, np.bool_)]) for marks in theirs]
    bets = bets_of(ours, theirs)
    np.testing.assert_allclose(bets.wealth, 1.0)
    assert not bets.losses.any()


@pytest.mark.parametrize(("unread", "won"), [(False, True), (True, False)])
def test_hidden_answers_are_bet_on(*, unread: bool, won: bool) -> None:
    """A candidate that withholds every second answer wins the bets; one whose answers the reference cannot read does not."""
    hidden = np.arange(60) % 2 == 0
    marks = drawn(np.random.default_rng(1), 60, 0.0)
    left = [np.empty(0, np.bool_) if gone else answer for gone, answer in zip(hidden, marks, strict=True)]
    ours = replace(scores_of(left), withheld=hidden, unread=hidden if unread else None)
    wealth = bet_on_answers(ours, scores_of(marks), one_by_one(60)).wealth
    assert bool(wealth.max() >= 1 / RULE.level) is won


def test_honest_pairs_seldom_win() -> None:
    """Looked at behind every pair, of 400 audits no more than the level and chance allow."""
    won = 0
    for seed in range(400):
        rng = np.random.default_rng(seed)
        rate = rng.choice([0.02, 0.1, 0.3])
        won += bool((bets_of(drawn(rng, 80, rate), drawn(rng, 80, rate)).wealth >= 1 / RULE.level).any())
    assert won <= 10


@pytest.mark.parametrize(("rate", "most"), [(0.5, 12), (0.2, 20), (0.08, 80)])
def test_deviations_win_soon(rate: float, most: int) -> None:
    """The larger they are, the sooner: against honest answers with two mismatches in a hundred tokens."""
    for seed in range(10):
        rng = np.random.default_rng(seed)
        wealth = bets_of(drawn(rng, most, rate), drawn(rng, most, 0.02)).wealth
        assert (wealth >= 1 / RULE.level).any(), seed


def test_unreplayed_answers_count_in_both_directions() -> None:
    """Without a noise to replay, likelier tokens are a difference as well as less likely ones."""
    rng = np.random.default_rng(3)
    for shift in (-0.5, 0.5):
        surprises = [rng.normal(0, 1, 1200).astype(np.float32) + np.float32(moved) for moved in (shift, 0.0)]
        sides = [
            replace(
                scores_of([np.zeros(30, np.bool_)] * 40),
                surprise=surprise,
                status=np.full(1200, ScoreStatus.UNREPLAYED, np.uint8),
            )
            for surprise in surprises
        ]
        bets = bet_on_answers(sides[0], sides[1], one_by_one(40))
        assert bets.wealth.max() >= 1 / RULE.level
        assert not bets.losses.size


def test_equal_answers_exclude_the_tolerance_when_its_power_is_enough() -> None:
    """Of pairs without a difference it takes the smallest n with (1 + d)^n >= 20."""
    assert not excludes_loss(np.zeros(151), 0.02)
    assert excludes_loss(np.zeros(152), 0.02)
    assert loss_upper(np.zeros(152)) == pytest.approx(20 ** (1 / 152) - 1, rel=1e-6)
    assert loss_upper(np.zeros(0)) == 1.0
    assert loss_upper(np.full(50, -1.0)) < 0.05


def test_a_true_loss_is_seldom_excluded() -> None:
    """Of candidates that lose as much as the tolerance, spread or in whole answers, at most 5 % ever show less."""
    draws: dict[str, Callable[[np.random.Generator], npt.NDArray[np.float64]]] = {
        "spread": lambda rng: rng.normal(0.02, 0.05, 300),
        "whole": lambda rng: (rng.random(300) < 0.02).astype(np.float64),
    }
    for name, draw in draws.items():
        shown = 0
        for seed in range(300):
            losses = np.clip(draw(np.random.default_rng(seed)), -1, 1)
            shown += any(excludes_loss(losses[:count], 0.02) for count in range(149, 301, 5))
        assert shown <= 24, name  # 15 are expected at most; three standard errors more


@settings(max_examples=25)
@given(seed=st.integers(0, 2**32 - 1), seen=st.integers(0, 150))
def test_no_verdict_is_missed_between_two_looks(seed: int, seen: int) -> None:
    """Before as many answers as are asked at once, neither the worst ones nor equal ones could have been decided."""
    rng = np.random.default_rng(seed)
    ours, theirs = drawn(rng, seen, 0.03), drawn(rng, seen, 0.03)
    bets = bets_of(ours, theirs)
    further = fewest_further(bets, **LIMITS)
    assert 1 <= further <= 64
    if (bets.wealth >= 1 / RULE.level).any() or further == 1:
        return
    worst, equal = [np.ones(30, np.bool_)] * (further - 1), [np.zeros(30, np.bool_)] * (further - 1)
    assert not (bets_of(ours + worst, theirs + equal).wealth[seen:] >= 1 / RULE.level).any()
    losses = bets_of(ours + equal, theirs + equal).losses
    assert len(losses) < RULE.fewest_sequences or not excludes_loss(losses, RULE.tolerance)
