"""The share of the requests that something else answers: intervals that hold it, and the kinds that are told from it."""

from __future__ import annotations

import numpy as np
import pytest

from token_difr.verdict.attribution import MIXED, attributed
from token_difr.verdict.mixture import least_share, mixture_of
from token_difr.verdict.tie_kinds import KINDS, OF_FEW_BITS, UNKNOWN, log_likelihood_ratios

TIES = 500
GAPS = np.exp(np.random.default_rng(0).uniform(np.log(0.005), np.log(0.5), TIES))
HONEST = 0.5 * np.exp(-GAPS / 0.02)
AUDITS = 30
Outcomes = np.ndarray[tuple[int], np.dtype[np.int8]]


def drawn(generator: np.random.Generator, share: float, flip: float = 0.6, second: float = 0.57) -> Outcomes:
    """Honest answers, and a share of such as 4-bit weights give."""
    honest = generator.random(TIES) < HONEST
    other = generator.random(TIES) < flip
    beyond = np.where(generator.random(TIES) < second, 1, 2)
    mixed = generator.random(TIES) < share
    return np.where(mixed, np.where(other, beyond, 0), honest).astype(np.int8)


@pytest.mark.parametrize("share", [0.05, 0.2, 0.5])
@pytest.mark.parametrize("flip", [0.5, 0.8])
def test_the_interval_holds_the_share(share: float, flip: float) -> None:
    """In 95 % of the audits at least, and what chance takes; whatever the model that is mixed in flips."""
    generator = np.random.default_rng(1)
    held = 0
    for _ in range(AUDITS):
        found = mixture_of(GAPS, drawn(generator, share, flip), HONEST)
        held += found.low <= share <= found.high
        assert found.low <= found.share <= found.high
    assert held >= 0.95 * AUDITS - 3


def test_the_least_share_holds() -> None:
    """Of nothing mixed in, in 95 % at least; and it grows with what is."""
    generator = np.random.default_rng(2)
    bounds = [least_share(drawn(generator, 0.0), drawn(generator, 0.0)) for _ in range(200)]
    assert sum(bound > 0 for bound in bounds) <= 20
    assert least_share(drawn(generator, 0.5, 1.0), drawn(generator, 0.0)) > 0.3
    assert least_share(np.full(TIES, -1, np.int8), drawn(generator, 0.0)) == 0.0


def kinds_of(outcomes: Outcomes) -> tuple[str, ...]:
    """What it may be."""
    ratios = log_likelihood_ratios(GAPS, outcomes, HONEST)
    return attributed({**ratios, MIXED: mixture_of(GAPS, outcomes, HONEST).ratio}, TIES)


@pytest.mark.parametrize(("share", "kind"), [(0.2, MIXED), (0.4, MIXED), (1.0, OF_FEW_BITS)])
def test_a_part_is_told_from_all(share: float, kind: str) -> None:
    """The kind is always among those that are named, and most of the time alone."""
    generator = np.random.default_rng(3)
    found = [kinds_of(drawn(generator, share)) for _ in range(20)]
    assert all(kind in each for each in found)
    assert sum(each == (kind,) for each in found) >= 8


@pytest.mark.parametrize(
    ("ratios", "named"),
    [
        ({"a": 50.0, "b": 10.0, UNKNOWN: 52.0}, ("a",)),
        ({"a": 50.0, "b": 49.0, UNKNOWN: 52.0}, ("a", "b")),
        ({"b": 49.0, "a": 50.0, "c": 48.0, UNKNOWN: 2.0}, (UNKNOWN,)),
        ({"a": 50.0, "b": 10.0, UNKNOWN: 80.0}, (UNKNOWN,)),
        ({"a": 50.0}, ("a",)),
    ],
)
def test_what_is_named(ratios: dict[str, float], named: tuple[str, ...]) -> None:
    """The nearest kinds; *unknown* where a model without a shape is far better, or too many are near."""
    assert attributed(ratios, 500) == named


def test_a_shape_that_is_none_of_them_is_unknown() -> None:
    """Flips at wide gaps alone, all to the second token."""
    outcomes = (GAPS > 0.1).astype(np.int8)
    assert kinds_of(outcomes) == (UNKNOWN,)
    assert MIXED not in KINDS
