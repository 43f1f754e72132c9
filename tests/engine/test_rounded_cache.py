"""An engine with a rounded memory."""

from __future__ import annotations

import numpy as np

from token_difr.engine import extended
from token_difr.engine.onnx import OnnxEngine
from token_difr.engine.rounded_cache import RoundedCacheEngine
from token_difr.server.model.folder import ModelFolder


def test_rounded_cache_rounds_new_tokens_once(folder: ModelFolder) -> None:
    """The new columns are rounded, to 2^bits - 1 values a vector; earlier ones stay as they are."""
    engine = RoundedCacheEngine(OnnxEngine(folder.path), 4)
    ids, positions = np.array([[5, 6, 7]]), np.arange(3)[None]
    cache = engine.forward(ids, positions, np.ones_like(ids), engine.empty_cache()).columns
    mask = np.ones((1, 4), dtype=np.int64)
    longer = extended(cache, engine.forward(ids[:, :1], np.array([[3]]), mask, cache).columns)
    for before, after in zip(cache, longer, strict=True):
        assert np.array_equal(after[:, :, :3], before)
        for vector in after.reshape(-1, after.shape[-1]):
            assert len(np.unique(np.round(vector / np.abs(vector).max() * 7, 3))) <= 15
