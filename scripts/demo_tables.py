"""How often the verdict is right on the demo: honest answers of unlike lengths, honest prompts, and the impostors."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from demo_pools import AS_TEXT, AT_ONE, AT_ZERO, CAST, Pool, read_pool
from previous_test import previous_p_value
from simulated_audits import Prompts, Side
from token_difr.demo.providers import HONEST
from token_difr.planning import measured, noise_of, with_deviation
from token_difr.records import Rule, Verdict
from token_difr.verdict import RowFacts, SideRows
from token_difr.verdict.deviation_table import DeviationTable, Sampling
from token_difr.verdict.prompt_mix import ACCUSATION, prompt_mix
from verdict_tables import LEVEL, MORE, Row, Task, is_divergent

SHORT, LONG, SIDE = 24, 64, 100
SIZES = (3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 16, 19, 23, 28, 34, 40, 50, 60, 75, 90, 110, 130, 160, 190, 250)
POWER = 0.9
BOOTSTRAPS = 1000
FORMER, OTHER, SAME = "former audit", "other prompts", "same prompts"
DESIGNS = (FORMER, "former test, with ids", OTHER, SAME)
"""A former audit took the text of answers at temperature 0, not their token ids."""

AT_MOST = {"int8": {OTHER: 0.5, SAME: 0.25}}
"""Of a former audit's tokens; else as many."""

pool = cache(read_pool)


def level_tasks(folder: Path) -> list[Task]:
    """Honest answers against honest ones, drawn by their lengths."""
    return [partial(_lengths, folder, *case) for case in (("short", "long"), ("any", "long"), ("any", "any"))]


def _lengths(folder: Path, ours: str, theirs: str, repetitions: int) -> list[Row]:
    honest = pool(folder, AT_ZERO, HONEST.name)
    of_kind = {
        "short": honest.lengths <= SHORT,
        "long": honest.lengths >= LONG,
        "any": np.ones(len(honest.scores), np.bool_),
    }
    divergent = 0
    for seed in range(repetitions):
        order = np.random.default_rng(seed).permutation(len(honest.scores))
        mine = order[of_kind[ours][order]][:SIDE]
        other = np.setdiff1d(order[of_kind[theirs][order]], mine, assume_unique=True)
        other = np.random.default_rng(seed + 1).permutation(other)[:SIDE]
        divergent += _divergent(honest.take(mine), honest.take(other), seed, paired=False)
    name = f"demo, {ours} against {theirs} answers (short: at most {SHORT} tokens, long: {LONG})"
    return [Row(name, divergent / repetitions, repetitions, most=2 * LEVEL)]


def mix_tasks(folder: Path) -> list[Task]:
    """Prompts against prompts: halves of one pool, and a hard kind that is commoner on one side."""
    halves: list[Task] = [partial(_halves, folder, count) for count in (60, 100, 150, 200)]
    return [*halves, partial(_hard, folder), _made_hard]


def _halves(folder: Path, count: int, repetitions: int) -> list[Row]:
    honest = pool(folder, AT_ZERO, HONEST.name)

    def sides(rng: np.random.Generator) -> tuple[RowFacts, RowFacts]:
        order = rng.permutation(len(honest.scores))
        return honest.take(order[:count]).rows, honest.take(order[count : 2 * count]).rows

    share, _ = _told_apart(sides, repetitions)
    return [Row(f"prompts of the demo, {count} against {count}: told apart", share, repetitions, most=LEVEL)]


def _hard(folder: Path, repetitions: int) -> list[Row]:
    """The demo's hard kind: the fifth that is longest and least sure of its first token, beside the easier half."""
    honest = pool(folder, AT_ZERO, HONEST.name)
    order = np.argsort(_standard(np.log(honest.rows.prompt_tokens)) - _standard(honest.rows.first_logprob))
    easy, hard = order[: len(order) // 2], order[-len(order) // 5 :]

    def sides(rng: np.random.Generator) -> tuple[RowFacts, RowFacts]:
        easier, harder = rng.permutation(easy), rng.permutation(hard)
        mine, other = np.concatenate([harder[:30], easier[:70]]), np.concatenate([harder[30:40], easier[70:160]])
        return honest.take(mine).rows, honest.take(other).rows

    return _seen("prompts of the demo", sides, repetitions)


def _made_hard(repetitions: int) -> list[Row]:
    """The hard kind of the level's table."""

    def sides(rng: np.random.Generator) -> tuple[RowFacts, RowFacts]:
        return Prompts.drawn(rng, Side(hard=0.3)).facts, Prompts.drawn(rng, Side(hard=0.1)).facts

    return _seen("made-up prompts", sides, repetitions)


def _seen(name: str, sides: Sides, repetitions: int) -> list[Row]:
    told, suspected = _told_apart(sides, repetitions)
    name = f"{name}, 100 with 30 % hard against 100 with 10 %"
    return [Row(f"{name}: told apart", told, repetitions), Row(f"{name}: counted", suspected, repetitions)]


def _standard(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return (values - values.mean()) / values.std()


Sides = Callable[[np.random.Generator], tuple[RowFacts, RowFacts]]


def _told_apart(sides: Sides, repetitions: int) -> tuple[float, float]:
    """The shares of draws in which the prompts of both sides are told apart, and in which a difference counts their factor."""
    p_values = np.array(
        [
            prompt_mix(*sides(np.random.default_rng(seed)), Rule(seed=seed, **MORE)).p_value
            for seed in range(repetitions)
        ]
    )
    return float(np.mean(p_values < LEVEL)), float(np.mean(p_values < ACCUSATION * LEVEL))


def power_tasks(folder: Path) -> list[Task]:
    """Impostor and design; the share of audits that come out divergent, and from how many tokens a side on it is 90 %."""
    return [
        partial(_power, folder, at, provider.name)
        for at in (AT_ZERO, AT_ONE)
        for provider in CAST[at]
        if provider.expected is not Verdict.CONSISTENT
    ]


def _power(folder: Path, at: str, name: str, repetitions: int) -> list[Row]:
    deviation = {provider.name: provider.deviation for provider in CAST[at]}[name]
    rows: list[Row] = []
    needed: dict[str, float] = {}
    for design in DESIGNS:
        former_text = design == FORMER and at == AT_ZERO
        asked = AS_TEXT if former_text else at
        candidate, honest = pool(folder, asked, name), pool(folder, asked, HONEST.name)
        tokens = float(honest.lengths[: len(candidate.scores)].mean())
        shares = _shares(candidate, honest, design, repetitions)
        for sequences, share in shares.items():
            text = f"{deviation}, {design}, {sequences} answers ({sequences * tokens:,.0f} tokens) a side"
            rows.append(Row(text, share, repetitions))
        needed[design] = size_for(POWER, shares) * tokens
        error = size_error(POWER, shares, repetitions) * tokens
        print(
            f"{deviation}, {design}: {needed[design]:,.0f} (standard error {error:,.0f}) tokens a side for {100 * POWER:g} %",
            flush=True,
        )
    limits = AT_MOST.get(name, {})
    for design in DESIGNS[2:]:
        ratio = needed[design] / needed[FORMER]
        rows.append(
            Row(
                f"{deviation}, {design}: tokens, of the former audit's",
                ratio,
                0,
                most=limits.get(design, 1.0),
            )
        )
    return rows


def deviation_tasks(folder: Path) -> list[Task]:
    """What ``verdict/known_deviations.toml`` holds: what each impostor adds to the honest provider's noise."""
    return [partial(_deviations, folder)]


def _deviations(folder: Path, _repetitions: int) -> list[Row]:
    print(demo_deviations(folder).to_toml())
    return []


def demo_deviations(folder: Path) -> DeviationTable:
    """The table of deviations, of all prompts that a pool holds, in pairs."""
    table: DeviationTable | None = None
    for at, sampling in SAMPLINGS.items():
        honest = pool(folder, at, HONEST.name)
        noise = noise_of(honest.scores, prompt_tokens=float(honest.rows.prompt_tokens.mean()))
        for provider in CAST[at]:
            if provider.expected is Verdict.CONSISTENT:
                continue
            candidate = pool(folder, at, provider.name)
            pairs = np.stack([np.arange(len(candidate.scores))] * 2, axis=1)
            deviation = measured(
                IN_WORDS.get(provider.name, provider.deviation), sampling, candidate.scores, honest.scores, pairs
            )
            table = with_deviation(table, "the demo model", noise, deviation)
    if table is None:
        raise SystemExit(f"{folder} holds no audits")
    return table


SAMPLINGS: dict[str, Sampling] = {AT_ZERO: "greedy", AT_ONE: "sampled"}
IN_WORDS = {"system-prompt": "a hidden system prompt", "seed": "another seed"}


def _shares(candidate: Pool, honest: Pool, design: str, repetitions: int) -> dict[int, float]:
    """By the number of answers, of the sizes by which the first that suffices is found."""
    answers = len(candidate.scores) // (1 if design == SAME else 2)
    sizes = [size for size in SIZES if size <= answers]
    shares: dict[int, float] = {}
    too_small, enough = -1, len(sizes)
    while enough - too_small > 1:
        middle = (too_small + enough) // 2
        shares[sizes[middle]] = _drawn(candidate, honest, sizes[middle], design, repetitions)
        too_small, enough = (too_small, middle) if shares[sizes[middle]] >= POWER else (middle, enough)
    return dict(sorted(shares.items()))


def size_for(power: float, shares: dict[int, float]) -> float:
    """Where the share of ever larger sizes reaches ``power``, on a line between probits over log sizes; NaN if nowhere."""
    for (small, low), (large, high) in itertools.pairwise(shares.items()):
        if low < power <= high:
            probits = [NormalDist().inv_cdf(min(max(share, 0.001), 0.999)) for share in (low, power, high)]
            part = (probits[1] - probits[0]) / (probits[2] - probits[0])
            return float(small * (large / small) ** part)
    smallest, share = next(iter(shares.items()))
    return float(smallest) if share >= power else float("nan")


def size_error(power: float, shares: dict[int, float], draws: int) -> float:
    """The standard error of :func:`size_for`, from shares of ``draws`` audits each: binomial errors, through the same line.

    Of a parametric bootstrap. Designs are drawn by the same seeds, so their ratio errs less than two such errors make it.
    """
    rng = np.random.default_rng(0)
    redrawn = rng.binomial(draws, list(shares.values()), (BOOTSTRAPS, len(shares))) / draws
    return float(np.nanstd([size_for(power, dict(zip(shares, row, strict=True))) for row in redrawn]))


def _drawn(candidate: Pool, honest: Pool, sequences: int, design: str, repetitions: int) -> float:
    """The share of audits of so many answers a side that come out divergent."""
    divergent = 0
    for seed in range(repetitions):
        order = np.random.default_rng(seed).permutation(len(candidate.scores))
        mine = order[:sequences]
        other = mine if design == SAME else order[sequences : 2 * sequences]
        ours, theirs = candidate.take(mine), honest.take(other)
        if design not in {OTHER, SAME}:
            divergent += previous_p_value(ours.scores, theirs.scores, seed) < LEVEL
        else:
            divergent += _divergent(ours, theirs, seed, paired=design == SAME)
    return divergent / repetitions


def _divergent(ours: Pool, theirs: Pool, seed: int, *, paired: bool) -> bool:
    rows = None if paired else SideRows(ours.rows, theirs.rows)
    return is_divergent(ours.scores, theirs.scores, rows, seed, paired=paired)
