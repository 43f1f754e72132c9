"""Rows by a model of transformers (extra ``torch``): sequences run together, padded on the right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from token_difr.engine.torch_model import import_torch, load_model
from token_difr.errors import InputError
from token_difr.reference.rows import Rows
from token_difr.reference.scored import Sent
from token_difr.reference.torch_head import TorchHead

__all__ = ["TorchScorer"]


class TorchScorer:
    """Runs all sequences that it is given at once.

    Args:
        model: A folder, a GGUF file, a name that transformers knows, or a model that is loaded.
        device: Where it runs.
        dtype: What it computes in, by torch's name.
        vocabulary_slice: Ids whose logits are held at once.

    Raises:
        InputError: torch or transformers is missing, there is no such dtype, or the model cannot be loaded.
    """

    def __init__(self, model: Any, *, device: str, dtype: str, vocabulary_slice: int) -> None:
        self._torch = import_torch("a local model", "token-difr[torch]")
        is_path = isinstance(model, str | Path)
        loaded = load_model(Path(model), self._element_type(dtype)) if is_path else model
        self._device = device
        self._head = TorchHead(loaded.to(device).eval(), vocabulary_slice=vocabulary_slice)

    @property
    def vocabulary_size(self) -> int:
        """Width of the logits."""
        return self._head.vocabulary_size

    def score(self, sent: list[Sent], k: int) -> list[Rows]:
        """See :meth:`token_difr.reference.scored.Scorer.score`."""
        torch = self._torch
        width = max(len(tokens) for tokens, _ in sent)
        ids = torch.zeros((len(sent), width), dtype=torch.long)
        mask = torch.zeros_like(ids)
        for row, (tokens, _) in enumerate(sent):
            ids[row, : len(tokens)] = torch.from_numpy(tokens.astype(np.int64))
            mask[row, : len(tokens)] = 1
        # Position j is scored by what stands before it; position 0 by nothing.
        places = [(row, j) for row, (tokens, start) in enumerate(sent) for j in range(max(start, 1), len(tokens))]
        with torch.inference_mode():
            scored = self._head.score(ids.to(self._device), mask.to(self._device), places, k)
        rows, at = [], 0
        for tokens, start in sent:
            count = len(tokens) - max(start, 1)
            rows.append(scored.rows(at, at + count, unscored=len(tokens) - start - count))
            at += count
        return rows

    def _element_type(self, dtype: str) -> Any:
        found = getattr(self._torch, dtype, None)
        if not isinstance(found, self._torch.dtype):
            raise InputError(f"dtype {dtype!r} is none of torch's: float32, bfloat16 and float16 are usual")
        return found
