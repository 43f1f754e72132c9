"""Which engine runs a model."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from token_difr.engine.choice import EngineChoice
from token_difr.engine.onnx import OnnxEngine
from token_difr.engine.protocol import Engine
from token_difr.engine.rounding import WeightRounding
from token_difr.engine.torch import ElementType, TorchEngine
from token_difr.errors import InputError, UnsupportedModelError

__all__ = ["load_engine", "onnx_if_it_can"]


def load_engine(
    path: Path,
    *,
    choice: EngineChoice = EngineChoice.AUTO,
    element_type: ElementType = ElementType.FLOAT32,
    rounding: WeightRounding | None = None,
    threads: int | None = None,
) -> Engine:
    """Loads a model.

    Args:
        path: Its folder, or a GGUF file.
        choice: The engine.
        element_type: What it computes in; ONNX Runtime's CPU kernels do float32 only.
        rounding: Rounds the weights.
        threads: Threads of one forward pass; None = the engine's own choice.

    Raises:
        InputError: The engine cannot run this model in this way; the message says why.
    """
    if choice is EngineChoice.AUTO and element_type is ElementType.FLOAT32:
        engine = onnx_if_it_can(path, rounding=rounding, threads=threads)
        if engine is not None:
            return engine
    if choice is EngineChoice.ONNX:
        if element_type is not ElementType.FLOAT32:
            raise InputError(f"the engine onnx computes in float32 only: take the engine torch for {element_type}")
        return OnnxEngine(path, rounding=rounding, threads=threads)
    return TorchEngine(path, element_type=element_type, rounding=rounding, threads=threads)


def onnx_if_it_can(
    path: Path, *, rounding: WeightRounding | None = None, threads: int | None = None
) -> OnnxEngine | None:
    """A model on ONNX Runtime; None where it does not express the model and torch, which is installed, may.

    Raises:
        UnsupportedModelError: torch would be needed, and is not installed.
        InputError: See :class:`~token_difr.engine.onnx.OnnxEngine`.
    """
    try:
        return OnnxEngine(path, rounding=rounding, threads=threads)
    except UnsupportedModelError:
        # It names torch: without torch there is no more to say.
        if find_spec("torch") is None:
            raise
        return None
