"""How often is a campaign's report wrong, and how often does it see what is there? Campaigns drawn from stored answers to ties.

    python scripts/simulated_campaigns.py --folder /tmp/ties

The folder is that of `measure_ties.py`. Honest providers are drawn from the flip curve of the demo's bfloat16, with a probability of its
own at each tie that all of them share; what deviates gives the stored answers of the demo's impostors.
"""

from __future__ import annotations

import argparse
import itertools
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tie_pools import make_pools
from token_difr.run.directory import RunDirectory
from token_difr.ties import TieSet
from token_difr.ties.flips import flips_by_tie
from token_difr.verdict.attribution import MIXED, attributed
from token_difr.verdict.changes import change_of
from token_difr.verdict.flip_curves import fitted_curve
from token_difr.verdict.mixture import least_share, mixture_of
from token_difr.verdict.multiplicity import benjamini_hochberg, holm
from token_difr.verdict.shared_answers import shared_answers
from token_difr.verdict.tie_groups import pair_p_value
from token_difr.verdict.tie_kinds import log_likelihood_ratios

LEVEL = 0.01
TIES = (500, 200)
SHARES = (0.05, 0.1, 0.2, 0.3, 0.5, 1.0)
IMPOSTORS = ("int4", "int8", "system-prompt", "random-token")
Floats = NDArray[np.float64]
Outcomes = NDArray[np.int8]


class World(NamedTuple):
    """What campaigns are drawn from.

    Attributes:
        gaps: float64[ties], in nats.
        curve: float64[ties]; how likely honest providers flip.
        stored: What each impostor gave.
    """

    gaps: Floats
    curve: Floats
    stored: dict[str, Outcomes]

    def some(self, generator: np.random.Generator, ties: int) -> World:
        """So many of the ties."""
        chosen = generator.permutation(len(self.gaps))[:ties]
        return World(
            self.gaps[chosen], self.curve[chosen], {name: given[chosen] for name, given in self.stored.items()}
        )

    def chances(self, generator: np.random.Generator) -> Floats:
        """A probability to flip at each tie, with the curve as its mean and two answers' worth of spread around it."""
        return generator.beta(np.maximum(2 * self.curve, 1e-9), np.maximum(2 * (1 - self.curve), 1e-9))


def read_world(folder: Path) -> World:
    """From the pools of `measure_ties.py`."""
    ties, stored = TieSet.load(folder / "float32.json"), {}
    for name in ("bf16", *IMPOSTORS):
        with RunDirectory.read(folder / "float32" / name) as run:
            stored[name] = flips_by_tie(run, ties).outcomes(ties)
    gaps = np.array([tie.gap for tie in ties.ties])
    return World(gaps, fitted_curve(gaps, stored["bf16"] > 0).at(gaps), stored)


def drawn(generator: np.random.Generator, chances: Floats, factor: float = 1.0) -> Outcomes:
    """An honest provider whose odds to flip are so many times as large."""
    odds = factor * chances / np.maximum(1 - chances, 1e-12)
    return (generator.random(len(chances)) < odds / (1 + odds)).astype(np.int8)


def named(sides: NDArray[np.int8], gaps: Floats) -> tuple[bool, list[tuple[int, int]]]:
    """Whether anybody is told apart, and the pairs that answer as one."""
    pairs = list(itertools.combinations(range(len(sides)), 2))
    adjusted = benjamini_hochberg([pair_p_value(sides[i], sides[j], gaps) for i, j in pairs])
    apart = {pair for pair, p_value in zip(pairs, adjusted, strict=True) if p_value < LEVEL}
    tokens, alike = sides.astype(np.int64), [pair for pair in pairs if pair not in apart]
    found = []
    for i, j in alike:
        others = [
            k
            for k in range(len(sides))
            if k not in {i, j} and not {tuple(sorted((i, k))), tuple(sorted((j, k)))} & apart
        ]
        found.append(shared_answers(tokens[i], tokens[j], [tokens[k] for k in others]))
    p_values = holm([each.p_value for each in found])
    one = [pair for pair, each, p_value in zip(alike, found, p_values, strict=True) if each.near and p_value < LEVEL]
    return bool(apart), one


def show_honest(world: World, generator: np.random.Generator, runs: int) -> None:
    """False alarms of six honest providers, and of one over ten dates."""
    for spread in (0.0, 0.3):
        apart = shared = changed = 0
        for _ in range(runs):
            chances = world.chances(generator)
            factors = np.exp(spread * generator.standard_normal(6))
            told, one = named(np.array([drawn(generator, chances, factor) for factor in factors]), world.gaps)
            apart, shared = apart + told, shared + bool(one)
            dates = np.array([drawn(generator, chances) for _ in range(10)])
            changed += change_of(dates, LEVEL).alarm is not None
        print(f"honest, s = {spread}: apart {apart}, as one {shared}, changed {changed} of {runs}", flush=True)


def show_found(world: World, generator: np.random.Generator, runs: int) -> None:
    """One machine under two names among six, and changes from the fourth date on."""
    for ties in TIES:
        twins, dated = 0, {name: Counter[str]() for name in ("int8", "int4", "20 % int4")}
        for _ in range(runs):
            some = world.some(generator, ties)
            chances = some.chances(generator)
            sides = np.array([drawn(generator, chances) for _ in range(5)])
            twins += named(np.concatenate([sides, sides[4:]]), some.gaps)[1] == [(4, 5)]
            for name, seen in dated.items():
                before = [drawn(generator, chances) for _ in range(3)]
                after = [_deviating(some, name, chances, generator) for _ in range(4)]
                change = change_of(np.minimum([*before, *after], 1).astype(np.int8), LEVEL / 12)
                seen[_words(change.alarm, change.since)] += 1
        print(f"{ties} ties: twins named in {twins} of {runs}; changes from date 4 on:", flush=True)
        for name, seen in dated.items():
            print(f"    {name}: {dict(seen.most_common())}", flush=True)


def _deviating(world: World, name: str, chances: Floats, generator: np.random.Generator) -> Outcomes:
    given = world.stored[name.rpartition(" ")[2]]
    mixed = generator.random(len(chances)) < (0.2 if name.startswith("20") else 1.0)
    return np.where(mixed, given, drawn(generator, chances))


def _words(alarm: int | None, since: int | None) -> str:
    return "never" if alarm is None or since is None else f"known on {alarm + 1}, dated {since + 1}"


def show_kinds(world: World, generator: np.random.Generator, runs: int) -> None:
    """What is named of each impostor, in part or as a whole, and whether the share lies in its interval."""
    for name, share, ties in itertools.product(IMPOSTORS, SHARES, TIES):
        if name != "int4" and share < 1:
            continue
        held = least = 0
        kinds = Counter[str]()
        for _ in range(runs):
            some = world.some(generator, ties)
            mixed = generator.random(ties) < share
            ours = np.where(mixed, some.stored[name], drawn(generator, some.curve))
            trusted = drawn(generator, some.curve)
            honest = fitted_curve(some.gaps, trusted).at(some.gaps)
            found = mixture_of(some.gaps, ours, honest)
            held += found.low <= share <= found.high
            least += least_share(ours, trusted) <= share
            ratios = {**log_likelihood_ratios(some.gaps, ours, honest), MIXED: found.ratio}
            kinds[" or ".join(sorted(attributed(ratios, ties)))] += 1
        print(f"{share:.0%} {name}, {ties} ties: interval holds {held}, least share {least} of {runs}", flush=True)
        for kind, count in kinds.most_common():
            print(f"    {count}: {kind}", flush=True)


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--folder", type=Path, required=True, help="keeps the ties and the answers to them")
    parser.add_argument("--prompts", type=int, default=1000, help="that the reference answers")
    parser.add_argument("--count", type=int, default=500, help="ties that are picked")
    parser.add_argument("--runs", type=int, default=100, help="campaigns a line")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    make_pools(arguments.folder, arguments.prompts, arguments.count)
    world, generator = read_world(arguments.folder), np.random.default_rng(1)
    show_honest(world, generator, 2 * arguments.runs)
    show_found(world, generator, arguments.runs)
    show_kinds(world, generator, arguments.runs)


if __name__ == "__main__":
    main()
