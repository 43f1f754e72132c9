"""Fireworks by its completions endpoint, where prompts have logprobs too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from token_difr.errors import UnregisteredModelError
from token_difr.rollouts.client import RolloutsClient
from token_difr.rollouts.config import Config
from token_difr.services import REGISTRY, Service

__all__ = ["FireworksClient", "fireworks_model", "tokenizer_name"]


def fireworks_model(name: str) -> str:
    """Fireworks' name of a model that is given in any way; see :meth:`~token_difr.services.Registry.name_of_any`."""
    return REGISTRY.name_of_any(name, Service.FIREWORKS)


def tokenizer_name(given: str) -> str:
    """The name of a model's tokenizer on the hub, by any name of the model; the name itself where it is not known."""
    try:
        return REGISTRY.hugging_face_name(fireworks_model(given))
    except UnregisteredModelError:
        return given


class FireworksClient(RolloutsClient):
    """A :class:`RolloutsClient` for Fireworks: the completions endpoint, with logprobs.

    Conversations are rendered here by the model's own chat template, and sent as token ids.

    Args:
        model: Its name on the hub, Fireworks' own, or a short one.
        logprobs: Likeliest tokens at each place, at most 5.
        echo: Logprobs of the prompt too.
        **options: As there. ``tokenizer`` is that of the model's name on the hub, if it is not given; with ``raw=True``
            none is needed.
    """

    def __init__(self, model: str, *, logprobs: int = 5, echo: bool = False, **options: Any) -> None:
        fixed = {"provider": "fireworks", "endpoint": "completions", "logprobs": logprobs, "echo": echo}
        super().__init__(fireworks_model(model), **{**fixed, **options})
        self._given_model = model

    def _config_of(self, changes: Mapping[str, Any]) -> Config:
        config = super()._config_of(changes)
        given = changes.get("model", self._given_model)
        own = {"model": fireworks_model(given)}
        if config.tokenizer is None and config.endpoint == "completions" and not config.raw:
            own["tokenizer"] = tokenizer_name(given)
        return config.changed(own)
