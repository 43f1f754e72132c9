"""What the percentile of unseeded tokens adds: tokens a side until a deviation is found, with it and without.

    .venv/bin/python scripts/measure_percentile.py

Tokens are drawn from synthetic distributions whose rows show 20 of 500 ids, at temperature 1 by an honest provider, and by
providers that deviate. Two providers are compared by a permutation test over whole sequences: the smallest p of several
statistics, each two-sided, against the same of every deal. Printed is how many tokens a side find the deviation in 90 % of
the trials at level 0.01, and how often an honest provider is taken for a deviating one.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from token_difr import SamplingParams, Scores, TopKBatch, score

Floats = NDArray[np.float64]
Deviation = Callable[[np.random.Generator, Floats], Floats]

IDS, SHOWN, TOKENS = 500, 20, 64
LEVEL, POWER = 0.01, 0.9
DEALS = 999
BLOCK = 250
"""Sequences that are drawn together: 64 MB of logprobs."""


def references(rng: np.random.Generator, sequences: int) -> Floats:
    """float64[sequences, TOKENS, IDS]: logprobs, descending; Zipf laws of all sharpnesses, entropy 1.7 nats in the mean."""
    of_sequence = rng.lognormal(np.log(2.5), 0.2, (sequences, 1, 1))
    exponent = of_sequence * rng.lognormal(0, 0.7, (sequences, TOKENS, 1))
    raw = -exponent * np.log(np.arange(1, IDS + 1)) + rng.normal(0, 0.5, (sequences, TOKENS, IDS))
    logits: Floats = -np.sort(-raw, axis=-1)
    logprobs: Floats = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    return logprobs


def of_temperature(_: np.random.Generator, logprobs: Floats) -> Floats:
    """Temperature 1.1."""
    return np.exp(logprobs / 1.1)


def of_top_p(_: np.random.Generator, logprobs: Floats) -> Floats:
    """Only the likeliest tokens, until they have 0.85."""
    shares = np.exp(logprobs)
    return np.where(np.cumsum(shares, -1) - shares < 0.85, shares, 0.0)


def of_noise(rng: np.random.Generator, logprobs: Floats) -> Floats:
    """Logits that are off by 0.5 nats, as by coarse weights."""
    return np.exp(logprobs + rng.normal(0, 0.5, logprobs.shape))


def honest(_: np.random.Generator, logprobs: Floats) -> Floats:
    """What was asked for."""
    return np.exp(logprobs)


DEVIATIONS: dict[str, Deviation] = {
    "honest": honest,
    "temperature 1.1": of_temperature,
    "top-p 0.85": of_top_p,
    "int4-like noise": of_noise,
}


def drawn(rng: np.random.Generator, sequences: int, deviation: Deviation) -> Scores:
    """The scores of tokens that the provider draws, under the reference's rows."""
    logprobs = references(rng, sequences).reshape(-1, IDS)
    cumulative = np.cumsum(deviation(rng, logprobs), -1)
    claimed = (cumulative < rng.random((len(logprobs), 1)) * cumulative[:, -1:]).sum(-1)
    batch = TopKBatch(
        indptr=np.arange(0, logprobs.shape[0] * SHOWN + 1, SHOWN),
        token_ids=np.tile(np.arange(SHOWN, dtype=np.uint32), len(logprobs)),
        logprobs=logprobs[:, :SHOWN].ravel().astype(np.float32),
        claimed=claimed.astype(np.uint32),
        sequence_indptr=np.arange(0, len(logprobs) + 1, TOKENS),
    )
    return score(batch, SamplingParams(temperature=1.0))


def statistics(scores: Scores) -> Floats:
    """float64[sequences, 6]: surprise above and below its expectation, and the shares of four bins of the percentile."""
    surprise = scores.surprise.astype(np.float64)
    # At temperature 1 without a filter every token has a percentile.
    quarter = np.digitize(np.asarray(scores.percentile), [0.25, 0.5, 0.75])
    columns = [np.maximum(surprise, 0), np.maximum(-surprise, 0), *(quarter == which for which in range(4))]
    return np.stack([column.reshape(-1, TOKENS).mean(1) for column in columns], axis=1)


def p_value(values: Floats, deals: Floats) -> float:
    """The smallest p of all statistics against that of every deal; the first deal is what was seen."""
    distances = np.round(np.abs(deals @ values), 12)
    ranked = np.sort(distances, axis=0)
    at_least = [len(deals) - np.searchsorted(ranked[:, s], distances[:, s]) for s in range(values.shape[1])]
    smallest = np.min(at_least, axis=0)
    return float((smallest <= smallest[0]).mean())


def power(rng: np.random.Generator, pools: tuple[Floats, Floats], sequences: int, trials: int) -> float:
    """Share of trials in which ``sequences`` of each pool are told apart."""
    labels = np.repeat([1.0, -1.0], sequences) / sequences
    deals = np.vstack([labels, rng.permuted(np.tile(labels, (DEALS, 1)), axis=1)])
    found = 0
    for _ in range(trials):
        sides = [pool[rng.choice(len(pool), sequences, replace=False)] for pool in pools]
        found += p_value(np.concatenate(sides), deals) <= LEVEL
    return found / trials


def sequences_needed(rng: np.random.Generator, pools: tuple[Floats, Floats], trials: int) -> int | None:
    """Fewest sequences a side, to within 5 %, that reach the power; None if all of a pool do not."""
    low, high = 0, 8
    while power(rng, pools, high, trials) < POWER:
        low, high = high, min(2 * high, len(pools[0]))
        if low == high:
            return None
    while high - low > max(1, high // 20):
        middle = (low + high) // 2
        low, high = (low, middle) if power(rng, pools, middle, trials) >= POWER else (middle, high)
    return high


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sequences", type=int, default=2000, help="sequences that each provider answers")
    parser.add_argument("--trials", type=int, default=300, help="comparisons for each power")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)

    def pool(deviation: Deviation) -> Floats:
        blocks = range(0, options.sequences, BLOCK)
        return np.concatenate([statistics(drawn(rng, BLOCK, deviation)) for _ in blocks])

    baseline = pool(honest)
    print(f"{'tokens a side for 90 % at level 0.01':36} {'surprises':>12} {'four bins':>12} {'all six':>12}")
    for name, deviation in DEVIATIONS.items():
        candidate = pool(deviation)
        cells = []
        for columns in ([0, 1], [2, 3, 4, 5], [0, 1, 2, 3, 4, 5]):
            pools = (candidate[:, columns], baseline[:, columns])
            if deviation is honest:
                cells.append(f"{power(rng, pools, 100, 5 * options.trials):.1%} found")
                continue
            needed = sequences_needed(rng, pools, options.trials)
            cells.append("more" if needed is None else f"{needed * TOKENS:,}")
        print(f"{name:36} {cells[0]:>12} {cells[1]:>12} {cells[2]:>12}", flush=True)


if __name__ == "__main__":
    main()
