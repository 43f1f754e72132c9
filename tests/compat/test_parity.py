"""The same rows, scored by this package and by token-difr 0.1.2 in an environment of its own."""

from __future__ import annotations

import json
import math
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from token_difr.compat.scoring import OldParams
from token_difr.records import TokenMetrics, TopKBatch

BATCHES = 200
VOCABULARY = 400
TOLERANCE = 1e-5

Sequence = dict[str, Any]


def random_sequence(rng: np.random.Generator) -> Sequence:
    """Rows of one to twenty entries, some on a grid so that values tie, some empty; claimed tokens in and out of them."""
    rows: list[list[tuple[int, float]] | None] = []
    claimed = []
    for _ in range(rng.integers(0, 30)):
        logits = rng.normal(scale=3.0, size=VOCABULARY)
        if rng.random() < 0.3:
            logits = np.round(logits)
        logprobs = (logits - np.logaddexp.reduce(logits)).astype(np.float32)
        top = np.argsort(-logprobs, kind="stable")[: rng.integers(1, 21)]
        rows.append(None if rng.random() < 0.02 else [(int(v), float(logprobs[v])) for v in rng.permutation(top)])
        chosen = rng.choice([top[0], rng.choice(top), rng.integers(VOCABULARY)], p=[0.6, 0.3, 0.1])
        claimed.append(int(chosen))
    return {"rows": rows, "claimed": claimed}


def our_scores(batch: list[Sequence]) -> list[list[TokenMetrics]]:
    """Scores as the old functions make them."""
    topk = TopKBatch.from_rows(
        [row for sequence in batch for row in sequence["rows"]],
        [token for sequence in batch for token in sequence["claimed"]],
        sequence_indptr=np.cumsum([0, *(len(sequence["claimed"]) for sequence in batch)]),
    )
    return OldParams(temperature=0.0, top_k=5, top_p=0.95, seed=42).score(topk, verbose=False)


@pytest.fixture(scope="module")
def batches() -> list[list[Sequence]]:
    """Random batches of one to four sequences, the same at each run."""
    rng = np.random.default_rng(20260)
    return [[random_sequence(rng) for _ in range(rng.integers(1, 5))] for _ in range(BATCHES)]


@pytest.fixture(scope="module")
def peer_scores(batches: list[list[Sequence]], peer_python: str, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What 0.1.2 makes of them."""
    file = tmp_path_factory.mktemp("parity") / "batches.json"
    file.write_text(json.dumps(batches), encoding="utf-8")
    script = Path(__file__).with_name("peer_scores.py")
    made = subprocess.run(
        [peer_python, script, file, str(VOCABULARY)], check=True, capture_output=True, text=True, env={}
    )
    return json.loads(made.stdout)


def test_greedy_scores_are_those_of_0_1_2(batches: list[list[Sequence]], peer_scores: Any) -> None:
    """Matches, ranks and infinite margins are equal; probabilities and finite margins to 1e-5. Empty rows aside."""
    compared = infinite = 0
    for batch, theirs in zip(batches, peer_scores, strict=True):
        ours = our_scores(batch)
        assert [len(tokens) for tokens in ours] == [len(tokens) for tokens in theirs]
        for sequence, our_tokens, their_tokens in zip(batch, ours, theirs, strict=True):
            for row, our, their in zip(sequence["rows"], our_tokens, their_tokens, strict=True):
                if row is None:
                    # 0.1.2 makes a margin of NaN there, and counts the token as a mismatch of probability 0.
                    assert math.isnan(our.margin)
                    assert math.isnan(their[2])
                    continue
                match, prob, margin, logit_rank, gumbel_rank = their
                assert (our.exact_match, our.logit_rank, our.gumbel_rank) == (match, logit_rank, gumbel_rank)
                assert our.prob == pytest.approx(prob, abs=TOLERANCE)
                assert our.margin == pytest.approx(margin, abs=TOLERANCE * max(1, abs(row[0][1])))
                compared += 1
                infinite += math.isinf(margin)
    assert compared > 1000
    assert infinite > 20
