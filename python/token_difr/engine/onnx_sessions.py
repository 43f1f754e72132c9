"""Sessions of ONNX Runtime: a graph, its weights and its threads.

Weights that lie in a file as float32 are mapped by ONNX Runtime itself, which packs the matrices for its kernels and then
lets go of the file: in memory they stand once. Others (of other types, rounded, or out of several folders) are made one
by one: small models' in memory, larger ones' in a temporary file, which is then mapped in the same way; it is deleted as
soon as the session stands.
"""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from token_difr.engine.gguf_decoder import configuration, tensors_of
from token_difr.engine.graph.architecture import DecoderShape, check_family
from token_difr.engine.graph.builder import GraphBuilder
from token_difr.engine.graph.decoder import HEAD, build_graph
from token_difr.engine.graph.quantized import quantize_layers
from token_difr.engine.rounding import WeightRounding, rounded
from token_difr.engine.weights import StoredTensor, stored_tensors
from token_difr.errors import LONGEST_REASON, InputError, UnsupportedModelError
from token_difr.gguf.container import GgufFile, is_gguf
from token_difr.sequences import json_object

__all__ = ["find_graph", "open_built", "open_exported"]

_GRAPH_LOCATIONS = ("model.onnx", "onnx/model.onnx")
_SMALL_BYTES = 2**26
"""Size of a model's float32 weights up to which one thread is fastest and its weights are converted in memory."""
_UNREAD = "rotary_emb.inv_freq"
"""End of the names of tensors that older files hold and no model reads."""


def find_graph(path: Path) -> Path | None:
    """The ONNX graph of a model's folder, if it has one."""
    return next((path / name for name in _GRAPH_LOCATIONS if (path / name).is_file()), None)


def open_exported(graph: Path, threads: int | None) -> Any:
    """The session of a graph that holds its own weights, or names the file that does."""
    import onnxruntime

    options = _options(threads, sum(file.stat().st_size for file in graph.parent.glob(f"{graph.name}*")))
    try:
        return onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's own have no class in common
        raise InputError(
            f"{graph}: ONNX Runtime cannot run it: {' '.join(str(error).split())[:LONGEST_REASON]}"
        ) from error


class _Placing(NamedTuple):
    """Where the weights of a graph lie: files of one folder."""

    folder: Path
    places: dict[str, tuple[str, int]]


def open_built(path: Path, rounding: WeightRounding | None, threads: int | None) -> Any:
    """The session of a graph that is built from a model's configuration, with the weights of its files.

    Raises:
        UnsupportedModelError: The model is not of a family that a graph is built for.
        InputError: Its files are not those that its configuration describes.
    """
    config, tensors = _described(path)
    tied = config.get("tie_word_embeddings") or HEAD not in tensors
    graph = build_graph(DecoderShape.from_config({**config, "tie_word_embeddings": tied}))
    _check_weights(path, graph, tensors)
    if rounding is not None and rounding.kernel_bits is not None:
        quantize_layers(graph, lambda name: tensors[name].read(), rounding.kernel_bits)
        rounding = None
    used = {name: tensors[name] for name in graph.weights}
    size = 4 * sum(map(math.prod, graph.weights.values()))
    options = _options(threads, size)
    placing = _as_they_lie(used) if rounding is None else None
    if placing is not None:
        return _session(graph, options, placing)
    if size <= _SMALL_BYTES:
        return _session_of_copies(graph, options, used, rounding)
    with tempfile.TemporaryDirectory(prefix="token-difr-", ignore_cleanup_errors=True) as folder:
        return _session(graph, options, _written(Path(folder), used, rounding))


def _described(path: Path) -> tuple[dict[str, Any], dict[str, StoredTensor]]:
    """A model's configuration in Hugging Face's words, and its weights by Hugging Face's names."""
    if is_gguf(path):
        file = GgufFile(path)
        return configuration(file), tensors_of(file)
    if not (path / "config.json").is_file():
        raise InputError(f"{path}: the model cannot be loaded: neither model.onnx nor config.json is there")
    config = json_object(path / "config.json")
    check_family(config)
    return config, stored_tensors(path)


def _options(threads: int | None, weights_bytes: int) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or (1 if weights_bytes <= _SMALL_BYTES else os.cpu_count() or 1)
    options.inter_op_num_threads = 1
    # Threads that wait busily for the next operator take the time of whatever else runs: of tokenizing, of answers.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


def _check_weights(path: Path, graph: GraphBuilder, tensors: Mapping[str, StoredTensor]) -> None:
    """The files hold what the graph takes, in its shapes, and nothing that it would leave out."""
    for name, shape in graph.weights.items():
        if name not in tensors:
            raise InputError(f"{path}: the weight {name} is missing")
        if tensors[name].shape != shape:
            raise InputError(f"{path}: {name} is {list(tensors[name].shape)}; by the configuration it is {list(shape)}")
    left = [name for name in tensors if name not in graph.weights and name != HEAD and not name.endswith(_UNREAD)]
    if left:
        raise UnsupportedModelError(f"{path}: the weight {left[0]}, which the configuration does not tell of")


def _as_they_lie(tensors: Mapping[str, StoredTensor]) -> _Placing | None:
    """The weights in the model's own files; None where some do not lie there as float32, or not in one folder."""
    places = {}
    for name, tensor in tensors.items():
        if tensor.place is None:
            return None
        # ONNX Runtime follows no link out of the folder, and caches of models are made of such links.
        places[name] = (tensor.place.file.resolve(), tensor.place.offset)
    folders = {file.parent for file, _ in places.values()}
    if len(folders) != 1:
        return None
    return _Placing(folders.pop(), {name: (file.name, offset) for name, (file, offset) in places.items()})


def _written(folder: Path, tensors: Mapping[str, StoredTensor], rounding: WeightRounding | None) -> _Placing:
    """The weights in a file of their own, written one by one."""
    file, places = folder / "weights", {}
    try:
        with file.open("wb") as stream:
            for name, tensor in tensors.items():
                places[name] = (file.name, stream.tell())
                stream.write(np.ascontiguousarray(rounded(tensor.read(), rounding), dtype="<f4").data)
    except OSError as error:
        raise InputError(f"{folder}: the weights cannot be written there as float32: {error.strerror}") from error
    return _Placing(folder, places)


def _session(graph: GraphBuilder, options: Any, placing: _Placing) -> Any:
    import onnxruntime

    options.add_session_config_entry("session.model_external_initializers_file_folder_path", str(placing.folder))
    return onnxruntime.InferenceSession(graph.serialized(placing.places), options, providers=["CPUExecutionProvider"])


def _session_of_copies(
    graph: GraphBuilder, options: Any, tensors: Mapping[str, StoredTensor], rounding: WeightRounding | None
) -> Any:
    """With weights that are handed over; ONNX Runtime copies them."""
    import onnxruntime

    values = {name: np.ascontiguousarray(rounded(tensor.read(), rounding)) for name, tensor in tensors.items()}
    handed = [onnxruntime.OrtValue.ortvalue_from_numpy(each) for each in values.values()]
    options.add_external_initializers(list(values), handed)
    nowhere = dict.fromkeys(values, ("handed over", 0))
    return onnxruntime.InferenceSession(graph.serialized(nowhere), options, providers=["CPUExecutionProvider"])
