"""Models on ONNX Runtime.

Two kinds are run. Where a folder brings a graph, it is a decoder exported under the usual names, with its own weights.
Else the graph of a family that is known is built from the configuration (``graph/``) and gets the weights of the model's
files.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from token_difr.engine.onnx_sessions import find_graph, open_built, open_exported
from token_difr.engine.protocol import ForwardPass, KeyValues, ending_together
from token_difr.engine.rounding import WeightRounding
from token_difr.errors import InputError

__all__ = ["OnnxEngine"]

_ELEMENT_TYPES: dict[str, type[np.generic]] = {"tensor(float)": np.float32, "tensor(float16)": np.float16}


class OnnxEngine:
    """A decoder graph on ONNX Runtime's CPU provider.

    Args:
        path: The model's folder, or a GGUF file.
        rounding: Rounds the weights; only for graphs without weights of their own.
        threads: Threads of one forward pass; None = one for a small model, else one a core.

    Raises:
        InputError: The folder holds no model that can be run so, or the inputs and outputs of its graph are not those of
            a decoder.
    """

    def __init__(self, path: Path, *, rounding: WeightRounding | None = None, threads: int | None = None) -> None:
        exported = find_graph(path)
        if exported is None:
            self._session = open_built(path, rounding, threads)
        elif rounding is None:
            self._session = open_exported(exported, threads)
        else:
            raise InputError(f"{exported} holds its own weights: they cannot be rounded; serve the folder without it")
        self._inputs = {value.name: value for value in self._session.get_inputs()}
        self._past = [name for name in self._inputs if name.startswith("past_key_values.")]
        self._is_ours = exported is None
        if exported is not None:
            outputs = [value.name for value in self._session.get_outputs()]
            _check_interface(exported, list(self._inputs), outputs, self._past)
        present = "new" if self._is_ours else "present"
        self._outputs = ["logits", *(name.replace("past_key_values", present, 1) for name in self._past)]
        self._cache_type = _ELEMENT_TYPES[self._inputs[self._past[0]].type]
        self._vocabulary_size: int | None = None

    @property
    def vocabulary_size(self) -> int:
        """Width of the logits; asked of the model once where the graph does not declare it."""
        if self._vocabulary_size is None:
            [logits] = [value for value in self._session.get_outputs() if value.name == "logits"]
            declared = logits.shape[-1]
            self._vocabulary_size = declared if isinstance(declared, int) else self._measure_vocabulary()
        return self._vocabulary_size

    def _measure_vocabulary(self) -> int:
        one = np.ones((1, 1), dtype=np.int64)
        return int(self.forward(0 * one, 0 * one, one, self.empty_cache()).logits.shape[-1])

    def empty_cache(self) -> KeyValues:
        """The cache of one row that has seen nothing."""
        shapes = (self._inputs[name].shape for name in self._past)
        return [np.zeros((1, shape[1], 0, shape[3]), dtype=np.float32) for shape in shapes]

    def forward(
        self,
        token_ids: NDArray[np.int64],
        positions: NDArray[np.int64],
        mask: NDArray[np.int64],
        cache: KeyValues,
        *,
        logits_from: int = 0,
    ) -> ForwardPass:
        """Runs the graph; see :meth:`token_difr.engine.protocol.Engine.forward`."""
        if not self._is_ours:
            mask, cache = ending_together(mask, cache)
        feed: dict[str, NDArray[Any]] = {
            "input_ids": token_ids,
            "attention_mask": mask,
            "position_ids": positions,
            "logits_from": np.array([logits_from], dtype=np.int64),
        }
        feed = {name: values for name, values in feed.items() if name in self._inputs}
        feed.update(
            (name, values.astype(self._cache_type, copy=False)) for name, values in zip(self._past, cache, strict=True)
        )
        logits, *columns = self._session.run(self._outputs, feed)
        if self._is_ours:
            return ForwardPass(logits, columns)
        cached = cache[0].shape[2]
        columns = [part[:, :, cached:].astype(np.float32, copy=False) for part in columns]
        return ForwardPass(logits[:, logits_from:].astype(np.float32, copy=False), columns)


def _check_interface(graph: Path, inputs: list[str], outputs: list[str], past: list[str]) -> None:
    unknown = sorted(set(inputs) - {"input_ids", "attention_mask", "position_ids", *past})
    present = {name.replace("past_key_values", "present", 1) for name in past}
    missing = sorted({"input_ids"} - set(inputs)) + sorted({"logits", *present} - set(outputs))
    if unknown or missing or not past:
        raise InputError(
            f"{graph}: not a decoder with a cache under the usual names "
            f"(unknown inputs {unknown}, missing {missing}, {len(past)} past_key_values)"
        )
