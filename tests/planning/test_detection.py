"""The probability that an audit shows a deviation, and the answers that it takes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from token_difr.planning import Design, answers_needed, forecast, power
from token_difr.planning.detection import MOST_ANSWERS, fewest_answers
from token_difr.planning.simulated_audits import Sides, _labels, simulated_power
from token_difr.records import Rule
from token_difr.verdict.deviation_table import Bursts, Deviation, Noise, known_table
from token_difr.verdict.permutation import Sums, label_test

TABLE = known_table()
BY_NAME = {each.name: each for each in TABLE.deviations}
NOISE = TABLE.noise["greedy"]
ERROR = 0.08
"""Three standard errors of the difference of two simulated shares."""


def scaled(deviation: Deviation, factor: float) -> Deviation:
    """The same with bursts so many times as common."""
    statistics = {
        name: Bursts(factor * each.mean, factor**0.5 * each.spread, factor * each.rate)
        for name, each in deviation.statistics.items()
    }
    return replace(deviation, statistics=statistics)


DRAWN = [
    ("int8 weights", True, 12, 0.17),
    ("int8 weights", True, 24, 0.785),
    ("int8 weights", True, 48, 1.0),
    ("int8 weights", False, 12, 0.26),
    ("int8 weights", False, 24, 0.63),
    ("int8 weights", False, 48, 0.985),
    ("int8 weights", True, 16, 0.395),
    ("int4 weights", True, 8, 1.0),
    ("a hidden system prompt", True, 8, 0.99),
    ("1 % random tokens", True, 12, 0.04),
    ("1 % random tokens", True, 24, 0.775),
    ("1 % random tokens", True, 48, 1.0),
]
"""Deviation, same prompts or not, answers a side, and the share of 200 audits of the demo that were divergent
(``scripts/measure_plan.py``)."""


@pytest.mark.parametrize(("name", "paired", "answers", "share"), DRAWN)
def test_what_is_predicted_is_what_comes(name: str, paired: bool, answers: int, share: float) -> None:
    """Within 10 points of the audits that were drawn from the demo's runs."""
    assert power(BY_NAME[name], NOISE, answers, Design(paired=paired)) == pytest.approx(share, abs=0.1)


def test_simulated_audits_are_judged_as_the_verdict_does() -> None:
    """A p-value of the simulation's own is that of the verdict's test, of one statistic, but for what its deals scatter."""
    rng = np.random.default_rng(3)
    ours, theirs = (np.rint(rng.gamma(0.5, scale, (16, 1)) * 100) for scale in (4.0, 1.0))
    ones = np.ones((16, 1))
    tested = label_test(
        Sums(ours, ones),
        Sums(theirs, ones),
        two_sided=np.array([False]),
        capped=np.array([False]),
        rule=Rule(permutations=9999, most_permutations=9999),
        paired=True,
    )
    values = ours - theirs
    mine = (1 + np.count_nonzero(_labels(16, paired=True) @ values >= values.sum())) / 2000
    assert mine == pytest.approx(tested.p_value, abs=3 * (tested.p_value / 2000) ** 0.5)


@settings(max_examples=10, deadline=None)
@given(st.sampled_from(sorted(BY_NAME)), st.integers(5, 60), st.booleans(), st.sampled_from([0.01, 0.05]))
def test_power_rises(name: str, answers: int, paired: bool, level: float) -> None:
    """With the answers, with the size of the deviation and with the level, but for what simulations err."""
    deviation, design = BY_NAME[name], Design(level, paired)
    noise = TABLE.noise[deviation.sampling]
    here = power(deviation, noise, answers, design)
    assert 0 <= here <= 1
    assert power(deviation, noise, 2 * answers, design) >= here - ERROR
    assert power(scaled(deviation, 0.7), noise, answers, design) <= here + ERROR
    assert power(deviation, noise, answers, Design(2 * level, paired)) >= here - ERROR


@pytest.mark.parametrize("name", BY_NAME)
@pytest.mark.parametrize("wanted", [0.5, 0.9])
def test_the_answers_needed_have_the_power_that_was_wanted(name: str, wanted: float) -> None:
    """And somewhat fewer do not."""
    deviation, design = BY_NAME[name], Design()
    noise = TABLE.noise[deviation.sampling]
    needed = answers_needed(wanted, deviation, noise, design)
    assert needed is not None
    assert power(deviation, noise, needed, design) >= wanted
    assert power(deviation, noise, needed * 2 // 3, design) < wanted + ERROR


@pytest.mark.parametrize(
    "changed",
    [
        {"statistics": dict.fromkeys(BY_NAME["int8 weights"].statistics, Bursts(0.0, 0.0, 0.0))},
        {"statistics": dict.fromkeys(BY_NAME["int8 weights"].statistics, Bursts(1e-9, 0.1, 1e-9))},
    ],
)
def test_what_cannot_be_seen(changed: dict[str, object]) -> None:
    """A deviation that moves nothing, or next to nothing: a million answers are too few."""
    unseen = replace(BY_NAME["int8 weights"], **changed)  # type: ignore[arg-type]
    assert answers_needed(0.9, unseen, NOISE, Design()) is None
    assert power(unseen, NOISE, 50, Design()) < 0.1
    assert power(unseen, NOISE, MOST_ANSWERS, Design()) < 0.9


@pytest.mark.parametrize(("level", "fewest"), [(0.01, 5), (0.05, 4), (0.5, 2), (0.001, 7)])
def test_too_few_answers_show_nothing(level: float, fewest: int) -> None:
    """However gross the deviation: no deal of them is so rare."""
    assert fewest_answers(level) == fewest
    gross = BY_NAME["another seed"]
    assert power(gross, TABLE.noise["sampled"], fewest - 1, Design(level)) == 0


def test_an_honest_provider_is_divergent_no_oftener_than_the_level_says() -> None:
    """Nothing added is nothing seen, in the simulation too."""
    nothing, noise = Bursts(0.0, 0.0, 0.0), NOISE.statistics["mismatch_rate"]
    for same_prompts in (True, False):
        assert simulated_power(Sides(noise, nothing, 40.0, 40, same_prompts), 0.01) <= 0.02


def test_a_run_without_answers_would_have_shown_nothing() -> None:
    """Nor is it an error to ask."""
    empty = Noise(prompt_tokens=0.0, answer_tokens=0.0, statistics=dict.fromkeys(NOISE.statistics, Bursts(0, 0, 0)))
    told = forecast((0, 10), Design(), "greedy", noise=empty)
    assert {each.probability for each in told.deviations} == {0.0}
    assert forecast((20, 20), Design(), "greedy", noise=empty).deviations[0].probability == 0.0


@pytest.mark.parametrize(
    ("arguments", "opening"),
    [
        ({"noise": NOISE}, "This run of 24 answers would have shown"),
        ({}, "Beside a baseline of as many, this run of 24 answers would have shown"),
        ({"noise": NOISE, "blocked": True}, "Had nothing stood in its way, this run of 24 answers would have shown"),
    ],
)
def test_the_sentence(arguments: dict[str, object], opening: str) -> None:
    """It says how surely each deviation would have been seen, the surest first, and where its size is from."""
    told = forecast((24, 24), Design(), "greedy", **arguments)  # type: ignore[arg-type]
    assert told.sentence.startswith(opening)
    assert told.sentence.endswith(" of such audits (deviations as large as on the demo model).")
    assert "int4 weights in over 99 %" in told.sentence
    shares = [each.probability for each in told.deviations]
    assert shares == sorted(shares, reverse=True)
    assert all(each.name in told.sentence for each in told.deviations)


def test_without_a_replay_nothing_is_known() -> None:
    """And the sentence says so."""
    told = forecast((24, 24), Design(), None, noise=NOISE)
    assert told.deviations == ()
    assert "not known" in told.sentence


def test_what_was_asked_until_a_verdict_is_told_of_an_audit_at_once() -> None:
    """Bets that are looked at again and again show less than a test of all answers: the sentence says which is meant."""
    told = forecast((24, 24), Design(), "greedy", noise=NOISE, until_verdict=True)
    assert told.sentence.startswith("Asked all at once, this run of 24 answers would have shown")
