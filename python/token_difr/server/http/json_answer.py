"""JSON as it goes out: written by pydantic's encoder, several times as fast as the standard library's."""

from __future__ import annotations

from typing import Any

from fastapi.responses import JSONResponse
from pydantic_core import to_json

__all__ = ["JsonAnswer", "encode"]


def encode(value: Any) -> bytes:
    """A value as compact JSON in UTF-8; what JSON has no number for (NaN, infinities) becomes null."""
    return to_json(value, inf_nan_mode="null")


class JsonAnswer(JSONResponse):
    """An answer in JSON."""

    def render(self, content: Any) -> bytes:
        """The body."""
        return encode(content)
