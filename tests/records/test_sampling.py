"""Sampling parameters and seeds."""

from __future__ import annotations

import pytest

from token_difr.records import derived_seeds


def test_derived_seeds_are_pinned() -> None:
    """The seeds that an audit sent yesterday are the ones that it replays tomorrow; more of them begin with the same."""
    assert derived_seeds(42, 3) == (1592498451, 343404953, 598291371)
    assert derived_seeds(42, 200)[:3] == derived_seeds(42, 3)
    assert derived_seeds(0, 0) == ()


@pytest.mark.parametrize("seed", [0, 1, -1, 2**64 - 1, 2**70])
def test_derived_seeds_fit_every_engine(seed: int) -> None:
    """31 bits, no two alike among a thousand, and others for another seed."""
    seeds = derived_seeds(seed, 1000)
    assert all(0 <= each < 2**31 for each in seeds)
    assert len(set(seeds)) == 1000
    assert not set(seeds) & set(derived_seeds(seed + 1, 1000)[1:])
