"""Clients by a word for how they sample."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from token_difr.errors import InputError
from token_difr.rollouts.client import RolloutsClient

__all__ = ["PRESETS", "create_client"]

PRESETS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        name: MappingProxyType({"temperature": value})
        for name, value in (("deterministic", 0.0), ("focused", 0.3), ("balanced", 0.7), ("creative", 1.2))
    }
)
"""Parameters by preset."""


def create_client(model: str, preset: str = "balanced", **options: Any) -> RolloutsClient:
    """A client with the parameters of a preset; ``options`` take precedence.

    Raises:
        InputError: No such preset, or a value out of range.
    """
    if preset not in PRESETS:
        raise InputError(f"there is no preset {preset!r}; choose one of: {', '.join(PRESETS)}")
    return RolloutsClient(model, **{**PRESETS[preset], **options})
