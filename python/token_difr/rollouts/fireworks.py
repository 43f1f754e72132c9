"""Fireworks by its completions endpoint, where prompts have logprobs too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from token_difr.rollouts.client import RolloutsClient
from token_difr.rollouts.config import Config
from token_difr.services import REGISTRY, Service

__all__ = ["FireworksClient", "fireworks_model"]


def fireworks_model(name: str) -> str:
    """Fireworks' name of a model that is given in any way; see :meth:`~token_difr.services.Registry.name_of_any`."""
    return REGISTRY.name_of_any(name, Service.FIREWORKS)


class FireworksClient(RolloutsClient):
    """A :class:`RolloutsClient` for Fireworks: the completions endpoint, with logprobs.

    Conversations are rendered here by the model's own chat template, and sent as token ids.

    Args:
        model: Its name on the hub, Fireworks' own, or a short one.
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
