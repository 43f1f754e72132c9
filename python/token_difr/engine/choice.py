"""The engines by name."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["EngineChoice"]


class EngineChoice(StrEnum):
    """The engines; AUTO takes ONNX Runtime for what it runs in float32, else torch."""

    AUTO = "auto"
    ONNX = "onnx"
    TORCH = "torch"
