"""Above temperature 0: the replay of token-difr 0.1.2 over dense logits, and ours over their top rows."""

from __future__ import annotations

import json
import math
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from token_difr import SamplingMethod, TopKBatch
from token_difr.records import SamplingParams, Scores, ScoreStatus
from token_difr.scores import score

BATCHES = 200
VOCABULARY = 400
ROW = 20
TOLERANCE = 1e-4
DECIDED = (ScoreStatus.SCORED, ScoreStatus.FILTERED)

Case = dict[str, Any]


def random_case(rng: np.random.Generator) -> Case:
    """Parameters whose filters a row decides: a top-k inside it, or none and the whole vocabulary as the row."""
    inside = rng.random() < 0.75
    return {
        "temperature": float(rng.choice([0.3, 0.7, 1.0, 1.5])),
        "top_k": int(rng.integers(2, ROW + 1)) if inside else 0,  # a top-k of 1 is greedy here
        "top_p": float(rng.choice([1.0, 0.95, 0.6])),
        "seed": int(rng.integers(2**31)),
    }


def claimed_tokens(logits: NDArray[np.float32], rng: np.random.Generator) -> list[int]:
    """Likely ones, others of the row, and some of no row."""
    best = logits.argmax(axis=1)
    other = np.array([rng.choice(np.argsort(-row)[:ROW]) for row in logits])
    anywhere = rng.integers(VOCABULARY, size=len(logits))
    kind = rng.random(len(logits))
    return [int(token) for token in np.where(kind < 0.5, best, np.where(kind < 0.9, other, anywhere))]


@pytest.fixture(scope="module")
def cases() -> tuple[list[Case], list[NDArray[np.float32]]]:
    """Parameters, claimed tokens and dense logits, the same at each run."""
    rng = np.random.default_rng(511)
    made = [random_case(rng) for _ in range(BATCHES)]
    logits = [rng.normal(scale=3.0, size=(rng.integers(1, 12), VOCABULARY)).astype(np.float32) for _ in made]
    for case, dense in zip(made, logits, strict=True):
        case["claimed"] = claimed_tokens(dense, rng)
    return made, logits


@pytest.fixture(scope="module")
def peer_scores(cases: Any, peer_python: str, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What 0.1.2 makes of them."""
    folder = tmp_path_factory.mktemp("replay-parity")
    made, logits = cases
    (folder / "cases.json").write_text(json.dumps(made), encoding="utf-8")
    np.savez(folder / "logits.npz", **{str(i): dense for i, dense in enumerate(logits)})
    script = Path(__file__).with_name("peer_replay_scores.py")
    command: list[str | Path] = [peer_python, script, folder / "cases.json", folder / "logits.npz"]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True, env={}).stdout)


def our_scores(case: Case, logits: NDArray[np.float32]) -> Scores:
    """Scores of the rows that a reference would have given."""
    logprobs = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
    size = ROW if case["top_k"] else VOCABULARY
    order = np.argsort(-logprobs, axis=1, kind="stable")[:, :size]
    rows = [[(int(v), float(row[v])) for v in top] for row, top in zip(logprobs, order, strict=True)]
    params = SamplingParams(
        temperature=case["temperature"], top_k=case["top_k"], top_p=case["top_p"], seed=case["seed"]
    )
    sampler = SamplingMethod.VLLM_GUMBEL_MAX.sampler()
    return score(TopKBatch.from_rows(rows, case["claimed"]), params, sampler=sampler, vocab_size=VOCABULARY)


def test_replay_is_that_of_0_1_2(cases: Any, peer_scores: Any) -> None:
    """Matches, filtered tokens and finite Gumbel ranks are equal, finite margins to 1e-4; few tokens stay undecided."""
    compared = total = filtered = 0
    for case, logits, theirs in zip(*cases, peer_scores, strict=True):
        ours = our_scores(case, logits)
        decided = np.isin(ours.status, DECIDED)
        total += len(decided)
        for i in np.flatnonzero(decided).tolist():
            chosen, rank, margin = theirs[i]
            assert bool(ours.exact_match[i]) == (chosen == case["claimed"][i])
            assert math.isinf(ours.margin[i]) == math.isinf(margin)
            if math.isfinite(margin):  # 0.1.2 gives a filtered token no rank; ours counts the kept ones above it
                assert ours.gumbel_rank[i] == rank
                assert ours.margin[i] == pytest.approx(margin, abs=TOLERANCE)
            compared += 1
            filtered += math.isinf(margin)
    assert compared > 0.99 * total > 900
    assert filtered > 50
