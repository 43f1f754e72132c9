"""Fireworks by its completions endpoint, where prompts have logprobs too."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from token_difr.rollouts.client import RolloutsClient
from token_difr.rollouts.config import Config

__all__ = ["ALIASES", "FireworksClient", "fireworks_model"]

ALIASES: Mapping[str, str] = MappingProxyType(
    {
        "qwen-15b": "accounts/fireworks/models/deepseek-r1-distill-qwen-1p5b",
        "llama-v3p1-8b": "accounts/fireworks/models/llama-v3p1-8b-instruct",
        "gpt-oss-20b": "accounts/fireworks/models/gpt-oss-20b",
    }
)
"""Short names of models."""


def fireworks_model(name: str) -> str:
    """Fireworks' name of a model: of an alias, of ``org/name``, or as it is."""
    if name in ALIASES:
        return ALIASES[name]
    if name.startswith("accounts/"):
        return name
    return f"accounts/fireworks/models/{name.rpartition('/')[2]}"


class FireworksClient(RolloutsClient):
    """A :class:`RolloutsClient` for Fireworks: the completions endpoint, with logprobs.

    Conversations are rendered here by the model's own chat template, and sent as token ids.

    Args:
        model: An alias, ``org/name``, or the full name.
        logprobs: Likeliest tokens at each place, at most 5.
        echo: Logprobs of the prompt too.
        **options: As there; ``tokenizer`` is needed, unless ``raw=True``.
    """

    def __init__(self, model: str, *, logprobs: int = 5, echo: bool = False, **options: Any) -> None:
        fixed = {"provider": "fireworks", "endpoint": "completions", "logprobs": logprobs, "echo": echo}
        super().__init__(fireworks_model(model), **{**fixed, **options})

    def _config_of(self, changes: Mapping[str, Any]) -> Config:
        config = super()._config_of(changes)
        return config if "model" not in changes else config.changed({"model": fireworks_model(config.model)})
