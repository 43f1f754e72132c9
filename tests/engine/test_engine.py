"""The ONNX engine against torch and transformers on the packaged model."""

from __future__ import annotations

import numpy as np
import pytest

from token_difr.engine import KeyValues, extended
from token_difr.engine.onnx import OnnxEngine
from token_difr.server.model.folder import ModelFolder

ROWS, LENGTH = 20, 200


@pytest.fixture(scope="module")
def engine(folder: ModelFolder) -> OnnxEngine:
    return OnnxEngine(folder.path)


@pytest.fixture(scope="module")
def token_ids(
    folder: ModelFolder, questions: list[list[dict[str, str]]]
) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    """4,000 positions of text like the model's own, special tokens included."""
    assert folder.template is not None
    text = "".join(folder.template.render(messages) for messages in questions[:600])
    ids = folder.tokenizer.encode(text, add_special_tokens=False)[: ROWS * LENGTH]
    return np.array(ids, dtype=np.int64).reshape(ROWS, LENGTH)


def _caches(engine: OnnxEngine, rows: int) -> KeyValues:
    return [np.repeat(part, rows, axis=0) for part in engine.empty_cache()]


def test_logits_equal_those_of_torch(folder: ModelFolder, engine: OnnxEngine, token_ids: np.ndarray) -> None:
    """Logits are within 1e-3 of transformers', and the arg-max is the same at 99.9 % of 4,000 positions and more."""
    torch = pytest.importorskip("torch")
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(folder.path, dtype=torch.float32)
    with torch.no_grad():
        expected = model(torch.from_numpy(token_ids)).logits.numpy()
    positions = np.tile(np.arange(LENGTH), (ROWS, 1))
    got = engine.forward(token_ids, positions, np.ones_like(token_ids), _caches(engine, ROWS)).logits

    assert np.abs(got - expected).max() < 1e-3
    assert (got.argmax(-1) == expected.argmax(-1)).mean() >= 0.999


def test_cached_steps_equal_one_pass(engine: OnnxEngine, token_ids: np.ndarray) -> None:
    """Feeding tokens one by one through the cache gives the logits of one pass, within 1e-3."""
    ids = token_ids[:2, :40]
    positions = np.tile(np.arange(40), (2, 1))
    whole = engine.forward(ids, positions, np.ones_like(ids), _caches(engine, 2)).logits
    cache = _caches(engine, 2)
    for step in range(40):
        mask = np.ones((2, step + 1), dtype=np.int64)
        logits, columns = engine.forward(ids[:, step : step + 1], positions[:, step : step + 1], mask, cache)
        cache = extended(cache, columns)

        assert np.abs(logits[:, 0] - whole[:, step]).max() < 1e-3


def test_left_padding_changes_nothing_beyond_noise(engine: OnnxEngine, token_ids: np.ndarray) -> None:
    """Masked columns on the left leave a row's logits as they are, within 1e-3."""
    ids, positions = token_ids[:1, :30], np.arange(30)[None]
    alone = engine.forward(ids, positions, np.ones_like(ids), engine.empty_cache()).logits
    padded = [np.pad(part, ((0, 0), (0, 0), (7, 0), (0, 0))) for part in engine.empty_cache()]
    mask = np.concatenate([np.zeros((1, 7), dtype=np.int64), np.ones((1, 30), dtype=np.int64)], axis=1)

    assert np.abs(engine.forward(ids, positions, mask, padded).logits - alone).max() < 1e-3


def test_vocabulary_is_that_of_the_configuration(engine: OnnxEngine, folder: ModelFolder) -> None:
    """The width of the logits is the tokenizer's size here."""
    assert engine.vocabulary_size == folder.tokenizer.size == 2048
