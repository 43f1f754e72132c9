"""The same rows and the same answers, scored by this package and by token-difr 0.1.2 in an environment of its own."""

from __future__ import annotations

import asyncio
import json
import math
import subprocess
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import openai
import pytest

from token_difr import (
    TokenDifrWarning,
    TokenSequence,
    audit_provider,
    compute_metrics_summary,
    load_tokenizer,
    register_fireworks_model,
    register_openrouter_model,
    verify_outputs_fireworks,
)
from token_difr.compat.scoring import OldParams
from token_difr.demo_model import MODEL_FOLDER
from token_difr.records import TokenMetrics, TopKBatch

BATCHES = 80
VOCABULARY = 400
MODEL_VOCABULARY = 2048
TOLERANCE = 1e-5
FOLDER = str(MODEL_FOLDER)
QUESTIONS = ["What is a list?", "How do I open a file?", "What does len do?", "What is a class?"]
CONVERSATIONS = [[{"role": "user", "content": question}] for question in QUESTIONS]
AUDIT: dict[str, Any] = {"provider": "x", "temperature": 1.3, "max_tokens": 60, "seed": 7}
GREEDY: dict[str, Any] = {"temperature": 0.0, "top_k": 5, "top_p": 0.95, "seed": 42, "verbose": False}

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
def url(serving: Any) -> Iterator[str]:
    """The demo model as provider and as reference."""
    with serving("demo-model") as address:
        yield address


@pytest.fixture(scope="module")
def drawn(url: str) -> list[tuple[list[int], list[int]]]:
    """Prompts and what the demo model drew at T = 1.3, as token ids."""
    tokenizer: Any = load_tokenizer("demo")
    made = []
    with openai.OpenAI(base_url=url, api_key="x") as client:
        for i, question in enumerate(QUESTIONS):
            prompt = tokenizer.encode(question, add_special_tokens=False)
            more = {"return_token_ids": True}
            answer = client.completions.create(
                model="demo-model", prompt=prompt, max_tokens=60, temperature=1.3, seed=i, extra_body=more
            )
            assert answer.choices[0].model_extra
            made.append((prompt, answer.choices[0].model_extra["token_ids"]))
    return made


@pytest.fixture(scope="module")
def peer(
    batches: list[list[Sequence]], url: str, drawn: Any, peer_python: str, tmp_path_factory: pytest.TempPathFactory
) -> Any:
    """What 0.1.2 makes of all of them."""
    file = tmp_path_factory.mktemp("parity") / "cases.json"
    server = {"url": url, "model": "demo-model", "folder": FOLDER, "conversations": CONVERSATIONS, "audit": AUDIT}
    case = {"batches": batches, "vocabulary_size": MODEL_VOCABULARY, "sequences": drawn, **server}
    file.write_text(json.dumps(case), encoding="utf-8")
    script = Path(__file__).with_name("peer_scores.py")
    made = subprocess.run([peer_python, script, file], check=True, capture_output=True, text=True, env={})
    return json.loads(made.stdout.splitlines()[-1])


def test_greedy_scores_are_those_of_0_1_2(batches: list[list[Sequence]], peer: Any) -> None:
    """Matches, ranks and infinite margins are equal; probabilities and finite margins to 1e-5, empty rows too."""
    compared = infinite = empty = 0
    for batch, theirs in zip(batches, peer["scores"], strict=True):
        ours = our_scores(batch)
        assert [len(tokens) for tokens in ours] == [len(tokens) for tokens in theirs]
        for sequence, our_tokens, their_tokens in zip(batch, ours, theirs, strict=True):
            for row, our, their in zip(sequence["rows"], our_tokens, their_tokens, strict=True):
                match, prob, margin, logit_rank, gumbel_rank = their
                assert (our.exact_match, our.logit_rank, our.gumbel_rank) == (match, logit_rank, gumbel_rank)
                assert our.prob == pytest.approx(prob, abs=TOLERANCE)
                assert our.margin == pytest.approx(margin, rel=TOLERANCE, abs=TOLERANCE, nan_ok=True)
                compared += 1
                infinite += math.isinf(margin)
                empty += row is None
    assert compared > 1000
    assert infinite > 20
    assert empty > 20


def test_summaries_are_those_of_0_1_2(batches: list[list[Sequence]], peer: Any) -> None:
    """All seven figures of every batch, whether or not rows are empty."""
    for batch, theirs in zip(batches, peer["summaries"], strict=True):
        ours = compute_metrics_summary(our_scores(batch))
        assert list(ours) == list(theirs)
        assert ours == pytest.approx(theirs, rel=TOLERANCE)


def test_divergent_answers_have_the_figures_of_audit_provider(url: str, peer: Any, monkeypatch: Any) -> None:
    """Drawn at T = 1.3, scored against the arg-max: all figures are those of 0.1.2, the infinite margins' share too."""
    monkeypatch.setenv("OPENROUTER_API_KEY", "x")
    monkeypatch.setenv("FIREWORKS_API_KEY", "x")
    register_fireworks_model(FOLDER, "demo-model")
    register_openrouter_model(FOLDER, "demo-model")
    with pytest.warns(TokenDifrWarning, match="without a sampler"):
        ours = audit_provider(CONVERSATIONS, FOLDER, openrouter_base_url=url, fireworks_base_url=url, **AUDIT)
    assert asdict(ours) == pytest.approx(peer["audited"], rel=TOLERANCE)
    assert ours.infinite_margin_rate > 0.3


def test_divergent_answers_have_the_figures_of_verify_outputs_fireworks(url: str, drawn: Any, peer: Any) -> None:
    """The same for token ids of which nothing was lost."""

    async def verified() -> list[list[TokenMetrics]]:
        sequences = [TokenSequence(*each) for each in drawn]
        async with openai.AsyncOpenAI(base_url=url, api_key="x") as client:
            return await verify_outputs_fireworks(
                sequences, MODEL_VOCABULARY, client=client, model="demo-model", **GREEDY
            )

    ours = compute_metrics_summary(asyncio.run(verified()))
    assert ours == pytest.approx(peer["verified"], rel=TOLERANCE)
    assert ours["infinite_margin_rate"] > 0.3
