"""The one registry that the package uses, under the names that users of token-difr 0.1 know."""

from __future__ import annotations

from collections.abc import Mapping

from token_difr.services.registry import Registry, Service, guessed_name

__all__ = [
    "FIREWORKS_MODEL_REGISTRY",
    "OPENROUTER_MODEL_REGISTRY",
    "REGISTRY",
    "get_openrouter_name",
    "guess_fireworks_name",
    "register_fireworks_model",
    "register_openrouter_model",
]

REGISTRY = Registry()
"""The shipped tables and what this process registered."""

FIREWORKS_MODEL_REGISTRY: Mapping[str, str] = REGISTRY.names(Service.FIREWORKS)
"""Name on the Hugging Face hub -> name at Fireworks; live and read-only."""

OPENROUTER_MODEL_REGISTRY: Mapping[str, str] = REGISTRY.names(Service.OPENROUTER)
"""Name on the hub -> name at OpenRouter, where that is not the lower-cased one; live and read-only."""


def register_fireworks_model(hf_name: str, fireworks_name: str) -> None:
    """Tell what Fireworks calls a model, e.g. ``accounts/fireworks/models/llama-v3p1-8b-instruct``.

    Raises:
        InputError: An empty name.
    """
    REGISTRY.register(Service.FIREWORKS, hf_name, fireworks_name)


def register_openrouter_model(hf_name: str, openrouter_name: str) -> None:
    """Tell what OpenRouter calls a model; needed only where that is not the lower-cased name.

    Raises:
        InputError: An empty name.
    """
    REGISTRY.register(Service.OPENROUTER, hf_name, openrouter_name)


def get_openrouter_name(hf_name: str) -> str:
    """What OpenRouter calls a model: as registered, else the lower-cased name."""
    return REGISTRY.name(hf_name, Service.OPENROUTER)


def guess_fireworks_name(hf_name: str) -> str:
    """A guess at what Fireworks calls a model: without its organization, in lower case, "p" for each ".".

    Only a guess: ``meta-llama/Llama-3.1-8B-Instruct`` gives ``accounts/fireworks/models/llama-3p1-8b-instruct``, while
    Fireworks' own name says ``llama-v3p1``.
    """
    return guessed_name(hf_name, Service.FIREWORKS)
