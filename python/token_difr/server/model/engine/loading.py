"""Which engine runs a model."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from token_difr.errors import InputError
from token_difr.server.model.engine.onnx import OnnxEngine, find_graph
from token_difr.server.model.engine.protocol import Engine
from token_difr.server.model.engine.rounding import WeightRounding
from token_difr.server.model.engine.torch import ElementType, TorchEngine, is_gguf

__all__ = ["EngineChoice", "load_engine"]


class EngineChoice(StrEnum):
    """The engines; AUTO takes ONNX Runtime where the folder has a graph, else torch."""

    AUTO = "auto"
    ONNX = "onnx"
    TORCH = "torch"


def load_engine(
    path: Path,
    *,
    choice: EngineChoice = EngineChoice.AUTO,
    element_type: ElementType = ElementType.FLOAT32,
    rounding: WeightRounding | None = None,
    threads: int = 1,
) -> Engine:
    """Loads a model.

    Args:
        path: Its folder, or a GGUF file.
        choice: The engine.
        element_type: What it computes in; ONNX Runtime's CPU kernels do float32 only.
        rounding: Rounds the weights.
        threads: Threads of one forward pass.

    Raises:
        InputError: The engine cannot run this model in this way; the message says why.
    """
    if choice is EngineChoice.AUTO:
        has_graph = not is_gguf(path) and find_graph(path) is not None
        choice = EngineChoice.ONNX if has_graph and element_type is ElementType.FLOAT32 else EngineChoice.TORCH
    if choice is EngineChoice.TORCH:
        return TorchEngine(path, element_type=element_type, rounding=rounding, threads=threads)
    if element_type is not ElementType.FLOAT32:
        raise InputError(f"the engine onnx computes in float32 only: take the engine torch for {element_type}")
    return OnnxEngine(path, rounding=rounding, threads=threads)
