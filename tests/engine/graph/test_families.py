"""Graphs built from configurations, against transformers on tiny random models."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from token_difr.engine.onnx import OnnxEngine
from token_difr.engine.protocol import Engine, KeyValues

VOCABULARY, TOKENS = 97, 40
LARGEST_DIFFERENCE = 1e-3
SMALL = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 128,
}
ORIGINAL = {"rope_theta": 10_000.0, "factor": 4.0, "original_max_position_embeddings": 16}
LLAMA3 = {**ORIGINAL, "rope_type": "llama3", "low_freq_factor": 1.0, "high_freq_factor": 4.0}
FAMILIES: dict[str, tuple[str, dict[str, Any]]] = {
    "llama": ("llama", {}),
    "llama with all biases, tied": ("llama", {"attention_bias": True, "mlp_bias": True, "tie_word_embeddings": True}),
    "llama with wide heads, none shared": ("llama", {"num_key_value_heads": 4, "head_dim": 16}),
    "llama 3.1": ("llama", {"rope_parameters": LLAMA3}),
    "linear scaling": ("llama", {"rope_parameters": {"rope_type": "linear", "rope_theta": 1e4, "factor": 4.0}}),
    "yarn": ("llama", {"rope_parameters": {"rope_type": "yarn", **ORIGINAL}}),
    "mistral": ("mistral", {"sliding_window": None}),
    "mistral with a window": ("mistral", {"sliding_window": 7}),
    "qwen2": ("qwen2", {}),
    "qwen2 with windows above": ("qwen2", {"use_sliding_window": True, "sliding_window": 6, "max_window_layers": 1}),
    "qwen3": ("qwen3", {"head_dim": 16}),
    "qwen3 with biases, tied": ("qwen3", {"head_dim": 8, "attention_bias": True, "tie_word_embeddings": True}),
}


@dataclass(frozen=True)
class Case:
    """A family's model, and what transformers says of some tokens."""

    folder: Path
    engine: Engine
    token_ids: NDArray[np.int64]
    logits: NDArray[np.float32]


@pytest.fixture(scope="module", params=FAMILIES)
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Case:
    """A random model of the family, saved by transformers; weights large enough that every part of it matters."""
    torch = pytest.importorskip("torch")
    from transformers import AutoConfig, AutoModelForCausalLM

    family, options = FAMILIES[request.param]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(family, **SMALL | options)).eval()
    generator = torch.Generator().manual_seed(0)
    ids = np.random.default_rng(0).integers(0, VOCABULARY, (2, TOKENS))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0.8 if parameter.ndim == 1 else 0.0, 0.3, generator=generator)
        logits = model(torch.from_numpy(ids)).logits.numpy()
    torch.set_num_threads(threads)
    folder = tmp_path_factory.mktemp("family")
    model.save_pretrained(folder)
    return Case(folder, OnnxEngine(folder), ids, logits)


def empty(engine: Engine, rows: int) -> KeyValues:
    return [np.repeat(part, rows, axis=0) for part in engine.empty_cache()]


def test_logits_are_those_of_transformers(case: Case) -> None:
    """Over the whole text, within 1e-3."""
    places = np.tile(np.arange(TOKENS), (2, 1))
    got = case.engine.forward(case.token_ids, places, np.ones_like(places), empty(case.engine, 2)).logits

    assert case.engine.vocabulary_size == VOCABULARY
    assert np.abs(got - case.logits).max() < LARGEST_DIFFERENCE


def test_cached_columns_may_stand_anywhere(case: Case) -> None:
    """A text fed in two parts, with columns of no token before, between and behind: the same logits."""
    first, ids = 30, case.token_ids
    places = np.tile(np.arange(TOKENS), (2, 1))
    none = case.engine.forward(
        ids[:, :first], places[:, :first], np.ones_like(ids[:, :first]), empty(case.engine, 2), logits_from=first
    )
    columns = np.setdiff1d(np.arange(first + 5), [0, 1, 12, first + 3, first + 4])
    cache = [np.full((2, part.shape[1], first + 5, part.shape[3]), 7, dtype=np.float32) for part in none.columns]
    for kept, part in zip(cache, none.columns, strict=True):
        kept[:, :, columns] = part
    mask = np.zeros((2, first + 5 + TOKENS - first), dtype=np.int64)
    mask[:, columns] = mask[:, first + 5 :] = 1
    got = case.engine.forward(ids[:, first:], places[:, first:], mask, cache, logits_from=3).logits

    assert none.logits.shape == (2, 0, VOCABULARY)
    assert np.abs(got - case.logits[:, first + 3 :]).max() < LARGEST_DIFFERENCE
