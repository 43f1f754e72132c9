"""How many near ties does a verdict take, and how often is it wrong? Audits drawn from stored answers, and made-up ones.

    python scripts/measure_ties.py --folder /tmp/ties --demo --simulated --figure docs/ties.svg

Every impostor of the demo is asked once for all ties, picked by a float32 and by a bfloat16 reference; what an audit would
have done is replayed on those answers in random orders. The simulated audits know the truth: honest providers of the demo's flip
curve, their noise times 1, 3 and 10, each provider with a factor of its own. Exit status 1 if a limit is surely missed.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tie_figure import figure
from tie_pools import BASELINES, PICKERS, make_pools, read_pool
from token_difr.records import Rule
from token_difr.ties.auditing import RULE
from token_difr.ties.order import asking_order
from token_difr.ties.stopping import Answered
from token_difr.verdict.betting import excludes_loss, log_wealth
from token_difr.verdict.flip_curves import fitted_curve, tie_bettors
from token_difr.verdict.honest_providers import allowed_spread, honest_providers

LIMITS = {"int4": 20, "int8": 200, "system-prompt": 60}
"""Requests to *divergent*, on average."""

HONEST_WITHIN = 400
NOISE = (1, 3, 10)
SPREAD = 0.5  # standard deviation of the logarithm of a provider's own factor


class Ended(NamedTuple):
    """What an audit came to, and how many requests it took."""

    verdict: str
    asked: int


def beside(gaps: NDArray[np.float64], outcomes: NDArray[np.int8], honest: Sequence[NDArray[np.int8]]) -> Answered:
    """An audit of all ties beside honest runs, each of which is bet against by what the others say."""
    learnt = [honest_providers([(gaps, [*honest[:place], *honest[place + 1 :]])]) for place in range(len(honest))]
    return Answered(gaps, outcomes, honest, learnt)


def replayed(answered: Answered, rule: Rule, seed: int, spread: float | None = None) -> Ended:
    """An audit of ``answered`` in the order of a seed. The command asks no more than a verdict takes at least: it looks as often."""
    order = asking_order(answered.gaps, seed)
    gaps, fell, honest = answered.gaps[order], answered.fell[order], [flips[order] for flips in answered.honest]
    wealth, within = np.full(len(gaps), np.inf), np.zeros(len(gaps), bool)
    for flips, (curve, scatter) in zip(honest, answered.learnt, strict=True):
        factor = allowed_spread(scatter, len(honest), rule.level) if spread is None else spread
        bettors = tie_bettors(gaps, None if curve is None else curve.at(gaps), spread=factor)
        differences = fell - flips
        wealth = np.minimum(wealth, log_wealth(bettors, differences))
        plus, minus = np.cumsum(differences > 0), np.cumsum(differences < 0)
        for place in range(rule.fewest_sequences - 1, len(gaps)):
            if not within[place]:
                more, less = int(plus[place]), int(minus[place])
                within[place] = excludes_loss(
                    (more, place + 1 - more - less, less), rule.tolerance, rule.level / len(honest)
                )
    ends = np.maximum.accumulate(wealth) >= -np.log(rule.level)
    for place in np.flatnonzero(ends | within)[:1]:
        return Ended("divergent" if ends[place] else "consistent", int(place) + 1)
    return Ended("inconclusive", len(gaps))


def demo_holds(folder: Path, runs: int, orders: int) -> bool:
    """Print the demo's table; whether its limits hold."""
    print(
        f"picked in  provider        divergent  consistent  requests (mean, 90 %)   [{runs} orders; honest: {orders}]"
    )
    holds = True
    for picker in PICKERS:
        gaps, flips = read_pool(folder, picker)
        for name, fell in flips.items():
            against = flips[BASELINES.get(name, "bf16")]
            honest = name in {"bf16", "bf16-chat"}
            answered = beside(gaps, fell, [against])
            ended = [replayed(answered, RULE, seed) for seed in range(orders if honest else runs)]
            asked = np.array([each.asked for each in ended])
            divergent, consistent = (
                np.mean([each.verdict == word for each in ended]) for word in ("divergent", "consistent")
            )
            print(
                f"{picker:9}  {name:14}  {divergent:9.3f}  {consistent:10.3f}  {asked.mean():8.1f} {np.quantile(asked, 0.9):8.0f}"
            )
            if honest:
                within = np.mean([each.verdict == "consistent" and each.asked <= HONEST_WITHIN for each in ended])
                holds &= bool(divergent <= RULE.level and within >= 0.95)
            elif name in LIMITS:
                holds &= bool(asked.mean() <= LIMITS[name] and divergent > 0.95)
    return holds


def curves(folder: Path) -> tuple[NDArray[np.float64], dict[str, NDArray[np.float64]]]:
    """The gaps of the ties that float32 picked, and each provider's fitted flip probability there."""
    gaps, flips = read_pool(folder, "float32")
    return gaps, {name: fitted_curve(gaps, fell).at(gaps) for name, fell in flips.items()}


class Case(NamedTuple):
    """What is made up.

    Attributes:
        noise: Times the demo's honest flip curve.
        honest: How many honest runs there are.
        spread: By which factor the odds of honest providers may differ; None = as is learnt.
        candidate: Who is audited.
    """

    noise: float
    honest: int
    spread: float | None
    candidate: str


CANDIDATES = ("as one of them", "another provider", "int8", "int4")


def simulated_holds(folder: Path, repetitions: int) -> bool:
    """Print the simulated table; whether the level holds: of who is as one of the baselines, and beside several of anybody honest."""
    gaps, fitted = curves(folder)
    print("noise  honest runs  spread  candidate           divergent  consistent  requests   (honest providers differ)")
    holds = True
    for case in itertools.starmap(Case, itertools.product(NOISE, (1, 3), (None, 3.0), CANDIDATES)):
        generator = np.random.default_rng([int(case.noise), case.honest])
        audits = repetitions if case.candidate in CANDIDATES[:2] else repetitions // 10
        ended = [_made_up(gaps, fitted, case, generator) for _ in range(audits)]
        divergent, consistent = (
            np.mean([each.verdict == word for each in ended]) for word in ("divergent", "consistent")
        )
        asked = np.mean([each.asked for each in ended])
        print(
            f"{case.noise:5}  {case.honest:11}  {case.spread or 'learnt':>6}  {case.candidate:18}  {divergent:9.4f}  {consistent:10.3f}  {asked:8.1f}",
            flush=True,
        )
        if case.candidate == CANDIDATES[0] or (case.candidate == CANDIDATES[1] and case.honest > 1):
            holds &= bool(divergent <= RULE.level + 3 * np.sqrt(RULE.level * (1 - RULE.level) / audits))
    return holds


def _made_up(
    gaps: NDArray[np.float64], fitted: dict[str, NDArray[np.float64]], case: Case, generator: np.random.Generator
) -> Ended:
    """One audit: honest runs of providers with factors of their own, and the candidate's curve."""
    factors = np.exp(SPREAD * generator.standard_normal(case.honest + 1))
    honest = [np.minimum(0.5, case.noise * factor * fitted["bf16"]) for factor in factors]
    curve = {"as one of them": honest[0], "another provider": honest[-1]}.get(case.candidate)
    if curve is None:
        curve = np.maximum(honest[0], fitted[case.candidate])
    runs = [(generator.random(len(gaps)) < each).astype(np.int8) for each in honest[: case.honest]]
    fell = (generator.random(len(gaps)) < curve).astype(np.int8)
    seed = int(generator.integers(2**31))
    return replayed(beside(gaps, fell, runs), RULE, seed, case.spread)


def main() -> None:
    """Prints the tables that the command line names."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--folder", type=Path, required=True, help="keeps the ties and the answers to them")
    parser.add_argument("--prompts", type=int, default=1000, help="that the reference answers")
    parser.add_argument("--count", type=int, default=500, help="ties that are picked")
    parser.add_argument("--runs", type=int, default=50, help="orders an impostor")
    parser.add_argument(
        "--orders", type=int, default=2000, help="orders an honest provider, and audits a simulated row"
    )
    parser.add_argument("--demo", action="store_true", help="the demo's table")
    parser.add_argument("--simulated", action="store_true", help="the table of made-up audits")
    parser.add_argument("--figure", type=Path, help="file of the figure: flip rate over gap, a curve a provider")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    make_pools(arguments.folder, arguments.prompts, arguments.count)
    holds = True
    if arguments.demo:
        holds &= demo_holds(arguments.folder, arguments.runs, arguments.orders)
    if arguments.simulated:
        holds &= simulated_holds(arguments.folder, arguments.orders)
    if arguments.figure:
        arguments.figure.write_text(figure(*read_pool(arguments.folder, "float32")), encoding="utf-8")
    sys.exit(not holds)


if __name__ == "__main__":
    main()
