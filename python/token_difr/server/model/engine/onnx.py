"""Models on ONNX Runtime: decoders exported under the usual names.

Two kinds of folder are read. A graph without weights (made by ``scripts/build_onnx_graph.py``) gets them by name from
the folder's safetensors files, linear weights transposed. Any other graph brings its own (inside the file, or in the
external data file that it names).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from token_difr.errors import InputError
from token_difr.server.model.engine.protocol import ForwardPass, KeyValues
from token_difr.server.model.engine.rounding import WeightRounding, round_weights
from token_difr.server.model.engine.weights import read_weights

__all__ = ["OnnxEngine", "find_graph"]

_EMBEDDING = "model.embed_tokens.weight"
_HEAD = "lm_head.weight"
_GRAPH_LOCATIONS = ("model.onnx", "onnx/model.onnx")
_WEIGHTS_FREE_MARK = b"model.safetensors"
_WEIGHTS_FREE_BYTES = 4_000_000
_ELEMENT_TYPES: dict[str, type[np.generic]] = {"tensor(float)": np.float32, "tensor(float16)": np.float16}


def find_graph(folder: Path) -> Path | None:
    """The folder's ONNX graph, if it has one."""
    return next((folder / name for name in _GRAPH_LOCATIONS if (folder / name).is_file()), None)


class OnnxEngine:
    """A decoder graph on ONNX Runtime's CPU provider.

    Args:
        folder: The model's folder.
        rounding: Rounds the weights; only for graphs without weights of their own.
        threads: Threads of one forward pass.

    Raises:
        InputError: The folder has no graph, or the graph's inputs and outputs are not those of a decoder.
    """

    def __init__(self, folder: Path, *, rounding: WeightRounding | None = None, threads: int = 1) -> None:
        graph = find_graph(folder)
        if graph is None:
            raise InputError(f"{folder}: no model.onnx; build it with scripts/build_onnx_graph.py or export the model")
        self._session = _open_session(graph, folder, rounding, threads)
        self._inputs = {value.name: value for value in self._session.get_inputs()}
        self._outputs = [value.name for value in self._session.get_outputs()]
        self._past = [name for name in self._inputs if name.startswith("past_key_values.")]
        self._check_interface(graph)
        self._order = [self._outputs.index(name.replace("past_key_values", "present")) for name in self._past]
        self._logits = self._outputs.index("logits")
        self._cache_type = _ELEMENT_TYPES[self._inputs[self._past[0]].type]
        self._vocabulary_size: int | None = None

    def _check_interface(self, graph: Path) -> None:
        known = {"input_ids", "attention_mask", "position_ids", *self._past}
        unknown = sorted(set(self._inputs) - known)
        missing = sorted({"input_ids"} - set(self._inputs)) + sorted({"logits"} - set(self._outputs))
        if unknown or missing or not self._past:
            raise InputError(
                f"{graph}: not a decoder with a cache under the usual names "
                f"(unknown inputs {unknown}, missing {missing}, {len(self._past)} past_key_values)"
            )

    @property
    def vocabulary_size(self) -> int:
        """Width of the logits; asked of the model once where the graph does not declare it."""
        if self._vocabulary_size is None:
            declared = self._session.get_outputs()[self._logits].shape[-1]
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
    ) -> ForwardPass:
        """Runs the graph; see :meth:`token_difr.server.model.engine.protocol.Engine.forward`."""
        feed: dict[str, NDArray[Any]] = {"input_ids": token_ids, "attention_mask": mask, "position_ids": positions}
        feed = {name: values for name, values in feed.items() if name in self._inputs}
        feed.update(
            (name, values.astype(self._cache_type, copy=False)) for name, values in zip(self._past, cache, strict=True)
        )
        outputs = self._session.run(None, feed)
        logits = outputs[self._logits].astype(np.float32, copy=False)
        return ForwardPass(logits, [outputs[index].astype(np.float32, copy=False) for index in self._order])


def _open_session(graph: Path, folder: Path, rounding: WeightRounding | None, threads: int) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    providers = ["CPUExecutionProvider"]
    if not _is_weights_free(graph):
        if rounding is not None:
            raise InputError(f"{graph} holds its own weights: they cannot be rounded; build a graph without weights")
        return onnxruntime.InferenceSession(str(graph), options, providers=providers)
    weights = _graph_weights(round_weights(read_weights(folder), rounding))
    values = [onnxruntime.OrtValue.ortvalue_from_numpy(values) for values in weights.values()]
    options.add_external_initializers(list(weights), values)
    return onnxruntime.InferenceSession(graph.read_bytes(), options, providers=providers)


def _is_weights_free(graph: Path) -> bool:
    return graph.stat().st_size < _WEIGHTS_FREE_BYTES and _WEIGHTS_FREE_MARK in graph.read_bytes()


def _graph_weights(weights: dict[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
    """The arrays as the graph declares them: linear weights as [in, out], a tied head as one of its own."""
    tied = {_HEAD: weights[_EMBEDDING]} if _HEAD not in weights else {}
    return {
        name: np.ascontiguousarray(values.T) if values.ndim == 2 and name != _EMBEDDING else values
        for name, values in (weights | tied).items()
    }
