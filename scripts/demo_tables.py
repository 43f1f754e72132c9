"""How often the verdict is right on the demo: honest answers of unlike lengths, honest prompts, and the impostors."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from demo_pools import AT_ZERO, CAST, Pool, read_pool
from previous_test import previous_p_value
from token_difr.demo.providers import HONEST
from token_difr.records import Rule
from token_difr.verdict import SideRows
from token_difr.verdict.prompt_mix import prompt_mix
from verdict_tables import LEVEL, RULE, Row, Task, is_divergent

SHORT, LONG, SIDE = 24, 64, 100
SIZES = (3, 4, 6, 8, 11, 16, 22, 32, 45, 64, 90, 128, 180, 250)
POWER = 0.9
DESIGNS = ("before", "other prompts", "same prompts")

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
    return [*halves, partial(_hard, folder)]


def _halves(folder: Path, count: int, repetitions: int) -> list[Row]:
    honest = pool(folder, AT_ZERO, HONEST.name)

    def sides(rng: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        order = rng.permutation(len(honest.scores))
        return order[:count], order[count : 2 * count]

    name = f"prompts of the demo, {count} a side: other kinds"
    return [Row(name, _told_apart(honest, sides, repetitions), repetitions, most=LEVEL)]


def _hard(folder: Path, repetitions: int) -> list[Row]:
    """The hard kind: long questions whose first token is least sure."""
    honest = pool(folder, AT_ZERO, HONEST.name)
    hardness = _standard(np.log(honest.rows.prompt_tokens)) - _standard(honest.rows.first_logprob)
    order = np.argsort(hardness)
    easy, hard = order[: len(order) // 2], order[-len(order) // 5 :]

    def sides(rng: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        easier, harder = rng.permutation(easy), rng.permutation(hard)
        mine = np.concatenate([harder[:30], easier[:70]])
        return mine, np.concatenate([harder[30:40], easier[70:160]])

    return [
        Row(
            "30 % against 10 % hard prompts, 100 a side: other kinds",
            _told_apart(honest, sides, repetitions),
            repetitions,
        )
    ]


def _standard(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return (values - values.mean()) / values.std()


Sides = Callable[[np.random.Generator], tuple[NDArray[np.int64], NDArray[np.int64]]]


def _told_apart(honest: Pool, sides: Sides, repetitions: int) -> float:
    """The share of draws in which the prompts of both sides are told apart at the level."""
    told = 0
    for seed in range(repetitions):
        mine, other = sides(np.random.default_rng(seed))
        told += prompt_mix(honest.take(mine).rows, honest.take(other).rows, _rule(seed)).p_value < LEVEL
    return told / repetitions


def _rule(seed: int) -> Rule:
    return Rule(seed=seed, permutations=RULE.permutations, most_permutations=RULE.most_permutations)


def power_tasks(folder: Path) -> list[Task]:
    """Impostor and design; from how many tokens a side on 90 % of the audits come out divergent."""
    pairs = [(design, provider) for design, cast in CAST.items() for provider in cast if provider is not HONEST]
    return [
        partial(_power, folder, at, provider.name, design)
        for (at, provider), design in itertools.product(pairs, DESIGNS)
    ]


def _power(folder: Path, at: str, name: str, design: str, repetitions: int) -> list[Row]:
    """Sizes from the smallest on, until nearly all audits are divergent."""
    candidate, honest = pool(folder, at, name), pool(folder, at, HONEST.name)
    deviation = {provider.name: provider.deviation for provider in CAST[at]}[name]
    tokens = float(honest.lengths.mean())
    rows: list[Row] = []
    shares: list[float] = []
    for sequences in SIZES:
        if sequences > (len(candidate.scores) if design == "same prompts" else len(candidate.scores) // 2):
            break
        shares.append(_drawn(candidate, honest, sequences, design, repetitions))
        text = f"{deviation}, {design}, {sequences} answers ({sequences * tokens:,.0f} tokens) a side"
        rows.append(Row(text, shares[-1], repetitions))
        if shares[-1] > (1 + POWER) / 2:
            break
    needed = size_for(POWER, SIZES[: len(shares)], shares)
    print(
        f"{deviation}, {design}: {needed * tokens:,.0f} tokens a side for {100 * POWER:g} % ({needed:.1f} answers)",
        flush=True,
    )
    return rows


def size_for(power: float, sizes: tuple[int, ...], shares: list[float]) -> float:
    """Where the share reaches ``power``, on a straight line between probits over log sizes; NaN if nowhere."""
    for (small, low), (large, high) in itertools.pairwise(zip(sizes, shares, strict=False)):
        if low < power <= high:
            probits = [NormalDist().inv_cdf(min(max(share, 0.001), 0.999)) for share in (low, power, high)]
            part = (probits[1] - probits[0]) / (probits[2] - probits[0])
            return float(small * (large / small) ** part)
    return float(sizes[0]) if shares and shares[0] >= power else float("nan")


def _drawn(candidate: Pool, honest: Pool, sequences: int, design: str, repetitions: int) -> float:
    """The share of audits of so many answers a side that come out divergent."""
    divergent = 0
    for seed in range(repetitions):
        order = np.random.default_rng(seed).permutation(len(candidate.scores))
        mine = order[:sequences]
        other = mine if design == "same prompts" else order[sequences : 2 * sequences]
        ours, theirs = candidate.take(mine), honest.take(other)
        if design == "before":
            divergent += previous_p_value(ours.scores, theirs.scores, _rule(seed)) < LEVEL
        else:
            divergent += _divergent(ours, theirs, seed, paired=design == "same prompts")
    return divergent / repetitions


def _divergent(ours: Pool, theirs: Pool, seed: int, *, paired: bool) -> bool:
    rows = None if paired else SideRows(ours.rows, theirs.rows)
    return is_divergent(ours.scores, theirs.scores, rows, seed, paired=paired)
