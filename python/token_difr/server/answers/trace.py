"""Where the time of one request went, told when its header ``x-trace`` asks for it."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request

from token_difr.server.generation import Generation

__all__ = ["is_traced", "trace"]

_PHASES = (
    ("queue_ms", "submitted", "started"),
    ("prefill_ms", "started", "prefilled"),
    ("decode_ms", "prefilled", "done"),
)


def is_traced(request: Request) -> bool:
    """Whether a request asks for its trace."""
    return request.headers.get("x-trace", "0") not in ("", "0")


def trace(generations: Sequence[Generation]) -> list[dict[str, float]]:
    """Milliseconds of waiting, feeding the prompt and generating, one object a choice."""
    return [
        {name: round(1000 * (g.times[end] - g.times[start]), 3) for name, start, end in _PHASES} for g in generations
    ]
