"""From scores to the figures of a table of deviations, and the table as text."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from token_difr import InputError, Scores
from token_difr.planning import Design, measured, noise_of, power, with_deviation
from token_difr.verdict.deviation_table import LOOKED_AT, known_table, read_table

TOKENS = 40


def scores_of(seed: int, rate: float, answers: int = 200) -> Scores:
    """Mismatches at random places, each of half a nat."""
    rng = np.random.default_rng(seed)
    margin = np.where(rng.random(answers * TOKENS) < rate, 0.5, 0.0).astype(np.float32)
    indptr = np.arange(0, answers * TOKENS + 1, TOKENS)
    return Scores.from_margins(margin, indptr, prob=np.exp(-margin), logit_rank=np.sign(margin))


PAIRS = np.stack([np.arange(200)] * 2, axis=1)


@pytest.mark.parametrize("pairs", [PAIRS, None], ids=["same prompts", "other prompts"])
def test_what_was_planted_is_measured(pairs: np.ndarray | None) -> None:
    """Mean, spread and bursts of independent mismatches of one size: the binomial's."""
    deviation = measured("planted", "greedy", scores_of(0, 0.05), scores_of(1, 0.01), pairs)
    mean, spread, rate = deviation.statistics["mismatch_rate"]
    assert mean == pytest.approx(0.04, abs=0.008)
    assert spread == pytest.approx(math.sqrt(0.04), rel=0.2)
    assert rate == pytest.approx(0.04, rel=0.35)
    assert (deviation.compared_in_pairs, deviation.compared_by_length) == pytest.approx((1.0, 1.0))
    assert deviation.shared < 0.5


def test_noise_that_both_have_is_shared() -> None:
    """Where the candidate has all that the baseline has, and some more."""
    honest, more = scores_of(1, 0.01), scores_of(2, 0.02)
    both = np.maximum(honest.margin, more.margin)
    candidate = Scores.from_margins(both, honest.sequence_indptr, prob=np.exp(-both), logit_rank=np.sign(both))
    assert measured("planted", "greedy", candidate, honest, PAIRS).shared == 1.0


def test_an_honest_candidate_adds_nothing() -> None:
    """And is never seen, however many answers."""
    same = scores_of(1, 0.01)
    nothing = measured("nothing", "greedy", same, same, PAIRS)
    assert {bursts.mean for bursts in nothing.statistics.values()} == {0.0}
    assert power(nothing, noise_of(same), 100, Design()) == 0.0


def test_noise_without_a_mismatch_is_none() -> None:
    """Nor a division by it."""
    noise = noise_of(scores_of(0, 0.0))
    assert noise.answer_tokens == TOKENS
    assert set(noise.statistics.values()) == {(0.0, 0.0, 0.0)}
    deviation = measured("planted", "greedy", scores_of(0, 0.02), scores_of(0, 0.0), PAIRS)
    assert power(deviation, noise, 100, Design()) > 0.99
    assert noise_of(Scores.from_margins(np.empty(0, np.float32), np.array([0]))).answer_tokens == 0.0


@pytest.mark.parametrize(("ours", "theirs", "whose"), [(29, 200, "the impostor"), (200, 10, "the honest run")])
def test_few_answers_measure_nothing(ours: int, theirs: int, whose: str) -> None:
    """The error says on which side, and how many are needed."""
    with pytest.raises(InputError, match=f"{whose} has .* at least 30"):
        measured("planted", "greedy", scores_of(0, 0.1, ours), scores_of(1, 0.1, theirs), None)


def test_a_table_survives_its_text() -> None:
    """Three digits a figure; a name with every kind of sign too."""
    table = known_table()
    assert read_table(table.to_toml()) == table
    odd = replace(table.deviations[0], name='a "quoted" \\ name = [x] \u202e\x1b[31m\n#')
    assert read_table(replace(table, deviations=(odd,)).to_toml()).deviations[0].name.startswith('a "quoted" ')


def test_a_deviation_takes_the_place_of_one_of_its_name() -> None:
    """Others stay; and one of another model belongs into another file."""
    table = known_table()
    anew = replace(table.deviations[0], compared_in_pairs=0.5)
    noise = table.noise["greedy"]
    after = with_deviation(table, table.model, noise, anew)
    assert sorted(each.name for each in after.deviations) == sorted(each.name for each in table.deviations)
    assert anew in after.deviations
    assert with_deviation(None, "m", noise, anew).deviations == (anew,)
    with pytest.raises(InputError, match="the table is of the demo model"):
        with_deviation(table, "m", noise, anew)


TEXT = known_table().to_toml().partition("\n\n")[2]
"""Without the comment at its top."""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("= 1", "is TOML"),
        ("", r"has \[honest.greedy\]"),
        (TEXT.replace("[honest.greedy]", "[honest.warm]"), "honest.warm should be"),
        (TEXT.replace("[honest.sampled]", "[other]"), "no honest.sampled beside it"),
        (TEXT.replace("[[deviation]]", "[[other]]"), r"has \[\[deviation\]\]"),
        (TEXT.replace('model = "the demo model"', "model = 3"), "model should be text"),
        (TEXT.replace('name = "int8 weights"', 'name = " "'), "deviation 1: name should be text"),
        (TEXT.replace('sampling = "greedy"', 'sampling = "warm"', 1), "sampling should be greedy or sampled"),
        (TEXT.replace("in_pairs = ", "in_pairs = 2", 1), "compared_in_pairs is a share"),
        (TEXT.replace("shared = ", "shared = -", 1), "shared should be a number, at least 0"),
        (TEXT.replace("mean = ", "mean = nan #", 1), "TOML|should be a number"),
        (TEXT.replace("bursts = ", "bursts = inf, x = ", 1), "bursts should be a number"),
        (TEXT.replace("int8 weights", "x").replace("spread = 0.0633", "spread = 0.0033"), "so few bursts spread more"),
        (TEXT.replace('"mismatch_rate"', '"other"'), "lacks mismatch_rate"),
        (TEXT.replace("answer_tokens = ", "answer_tokens = true #", 1), "answer_tokens should be a number"),
    ],
)
def test_a_table_that_is_none(text: str, words: str) -> None:
    """One error, which says where."""
    with pytest.raises(InputError, match=words):
        read_table(text)


def test_every_deviation_has_every_statistic() -> None:
    """Of the table that comes with the package."""
    assert all(tuple(each.statistics) == LOOKED_AT for each in known_table().deviations)
