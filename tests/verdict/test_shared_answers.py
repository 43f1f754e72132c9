"""Two names of one machine, beside machines of their own."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from token_difr.verdict.multiplicity import holm
from token_difr.verdict.shared_answers import shared_answers

PLACES = 400
Tokens = np.ndarray[tuple[int], np.dtype[np.int64]]


def machines(seed: int, *factors: float, scale: float = 0.2) -> list[Tokens]:
    """Flips of machines at places of which some are close for all of them; a factor of the odds each."""
    generator = np.random.default_rng(seed)
    close = generator.beta(scale, 1, PLACES) / 2
    made = []
    for factor in factors:
        odds = factor * close / (1 - close)
        made.append((generator.random(PLACES) < odds / (1 + odds)).astype(np.int64))
    return made


def named(sides: list[Tokens]) -> list[tuple[int, int]]:
    """The pairs that answer as one, at the level 0.01 of all of them."""
    pairs = list(itertools.combinations(range(len(sides)), 2))
    found = [
        shared_answers(sides[i], sides[j], [sides[k] for k in range(len(sides)) if k not in {i, j}]) for i, j in pairs
    ]
    adjusted = holm([each.p_value for each in found])
    return [pair for pair, each, p_value in zip(pairs, found, adjusted, strict=True) if each.near and p_value < 0.01]


@pytest.mark.parametrize("noise", [0, 2])
def test_one_machine_is_named(noise: int) -> None:
    """Be it that a few answers differ."""
    sides = machines(1, 1, 1, 1, 1)
    twin = sides[3].copy()
    twin[:noise] ^= 1
    assert named([*sides, twin]) == [(3, 4)]


def test_machines_of_their_own_are_not() -> None:
    """In forty campaigns of five, whether they are as noisy as each other or two of them quieter than all others."""
    for seed in range(20):
        assert named(machines(seed, 1, 1, 1, 1, 1)) == []
        assert named(machines(seed, 0.05, 0.05, 2, 2, 2)) == []


def test_the_same_weights_on_other_machines_are_not() -> None:
    """They share most of what they flip, and part more than one machine does."""
    first, *others = machines(2, 1, 1, 1)
    generator = np.random.default_rng(0)
    alike = np.where(generator.random(PLACES) < 0.1, others[0], first)
    found = shared_answers(first, alike, others)
    assert found.same < found.asked
    assert (0, 1) not in named([first, np.where(generator.random(PLACES) < 0.4, others[0], first), *others])


def test_without_a_third_nothing_is_shown() -> None:
    """However alike two are."""
    (one,) = machines(1, 1)
    assert shared_answers(one, one, []).p_value == 1.0
    empty = np.full(PLACES, -1, np.int64)
    assert not shared_answers(one, empty, [one]).near
