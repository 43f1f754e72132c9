"""How many tokens an audit until a verdict takes, and how often it is wrong: the demo's providers, and made-up pairs.

    python scripts/measure_until_verdict.py --runs FOLDER [--audits 20]    the demo's, drawn from stored answers
    python scripts/measure_until_verdict.py --simulated [--audits 1000]    made-up honest pairs, looked at behind every answer

The demo's providers are asked once (``measure_verdict.py --power`` shares the folder). Each audit draws prompts in an order of its own,
for the baseline the same ones or others, and is asked, bet on and judged as the product does. A fixed audit takes the answers of as
many prompts as the demo asks. Exit status 1 if a limit is surely missed.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np

from demo_pools import AS_TEXT, AT_ZERO, CAST, Pool, make_pools, read_pool
from simulated_audits import audit_pair
from token_difr.demo.providers import HONEST, TEXT_ONLY
from token_difr.records import Rule
from token_difr.run.sequential_decision import agreed, further_answers, may_be_decided
from token_difr.verdict import SideRows, decide
from token_difr.verdict.answer_bets import AnswerBets, bet_on_answers
from verdict_tables import CHANCE, LEVEL_CASES, at_least

FIXED, POOL, BASELINE = 150, 1000, 250
"""Prompts of a fixed audit, of the stored answers, and of a baseline."""
CATCHES = {"int4", "system-prompt", "random-token"}
MOST_OF_FIXED, LEAST_CONSISTENT = 0.6, 0.95


class Ended(NamedTuple):
    """What one audit came to, and what the provider answered until then."""

    verdict: str
    answers: int
    tokens: int


def audited(candidate: Pool, honest: Pool, seed: int, *, paired: bool) -> Ended:
    """One audit until a verdict, of prompts in an order of its own."""
    order, rule = np.random.default_rng(seed).permutation(len(candidate.scores)), Rule()
    half = min(BASELINE, len(order) // 2)
    ours, theirs = candidate.take(order[:half]), honest.take(order[:half] if paired else order[half : 2 * half])
    pairs = np.repeat(np.arange(half)[:, None], 2, axis=1)
    bets = bet_on_answers(ours.scores, theirs.scores, pairs)
    asked = 0
    while asked < half:
        asked = min(half, asked + further_answers(_first(bets, asked), rule))
        seen = _first(bets, asked)
        if may_be_decided(seen, rule):
            some = ours.take(np.arange(asked))
            how = {"pairs": pairs[:asked]} if paired else {}
            plain = decide(some.scores, theirs.scores, rule=rule, rows=SideRows(some.rows, theirs.rows), **how)
            verdict = agreed(seen, plain, rule)
            if verdict is not None:
                return Ended(verdict, asked, int(ours.lengths[:asked].sum()))
    return Ended("inconclusive", asked, int(ours.lengths.sum()))


def _first(bets: AnswerBets, asked: int) -> AnswerBets:
    return AnswerBets(bets.wealth[:asked], bets.losses[:asked])


def demo_table(folder: Path, audits: int) -> bool:
    """Prints a line a provider and design; whether the limits hold."""
    make_pools(folder, POOL)
    print(
        f"{'at':8} {'provider':14} {'baseline':14} {'answers':>8} {'tokens':>7} {'of fixed':>8}  verdicts of {audits} audits"
    )
    rows = [
        _row(folder, at, provider.name, audits, paired=paired)
        for at, cast in CAST.items()
        for provider in cast
        if at != AS_TEXT and provider is not TEXT_ONLY
        for paired in (False, True)
    ]
    return all(rows)


def _row(folder: Path, at: str, name: str, audits: int, *, paired: bool) -> bool:
    candidate, honest = read_pool(folder, at, name), read_pool(folder, at, HONEST.name)
    ended = [audited(candidate, honest, seed, paired=paired) for seed in range(audits)]
    counts = Counter(each.verdict for each in ended)
    answers, tokens = (float(np.mean([each[column] for each in ended])) for column in (1, 2))
    share = tokens / (FIXED * float(candidate.lengths.mean()))
    design = "same prompts" if paired else "other prompts"
    print(
        f"{at:8} {name:14} {design:14} {answers:8.1f} {tokens:7,.0f} {100 * share:6.0f} %  {dict(counts)}", flush=True
    )
    return _holds(name, at, share, counts, audits)


def _holds(name: str, at: str, share: float, counts: Counter[str], audits: int) -> bool:
    if name == HONEST.name:
        return counts["consistent"] >= LEAST_CONSISTENT * audits
    if at == AT_ZERO and name in CATCHES:
        return counts["divergent"] == audits and share <= MOST_OF_FIXED
    return True


def simulated_table(audits: int) -> bool:
    """Prints how often honest pairs win the bets ever, by case; whether that is within the level where only chance differs."""
    held, level = True, Rule().level
    for case in LEVEL_CASES:
        won = 0
        for seed in range(audits):
            sides = audit_pair(np.random.default_rng(seed), case.candidate, case.baseline, paired=case.paired)
            pairs = np.repeat(np.arange(min(map(len, sides[:2])))[:, None], 2, axis=1)
            won += bool((bet_on_answers(sides[0], sides[1], pairs).wealth >= 1 / level).any())
        # Other kinds of prompts are a difference, which the comparison of the prompts has to see: the bets do not.
        other_kinds = case.candidate.hard != case.baseline.hard
        held = held and (other_kinds or at_least(won, audits, level) >= CHANCE)
        print(f"{100 * won / audits:5.2f} %  {case.name}{' (bets alone)' if other_kinds else ''}", flush=True)
    return held


def main() -> None:
    """Prints what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--runs", type=Path, help="folder that keeps the audits of the demo's providers")
    parser.add_argument("--simulated", action="store_true", help="made-up pairs")
    parser.add_argument("--audits", type=int, default=20, help="audits a row")
    options = parser.parse_args()
    if options.runs is None and not options.simulated:
        parser.error("give --runs FOLDER, --simulated, or both")
    held = [simulated_table(options.audits)] if options.simulated else []
    held += [demo_table(options.runs, options.audits)] if options.runs is not None else []
    raise SystemExit(0 if all(held) else 1)


if __name__ == "__main__":
    main()
