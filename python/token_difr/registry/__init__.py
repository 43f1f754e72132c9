"""What services call a model that has another name on the Hugging Face hub."""

from token_difr.registry.names import (
    FIREWORKS_MODEL_REGISTRY,
    OPENROUTER_MODEL_REGISTRY,
    REGISTRY,
    get_openrouter_name,
    guess_fireworks_name,
    register_fireworks_model,
    register_openrouter_model,
)
from token_difr.registry.registry import Registry, Service

__all__ = [
    "FIREWORKS_MODEL_REGISTRY",
    "OPENROUTER_MODEL_REGISTRY",
    "REGISTRY",
    "Registry",
    "Service",
    "get_openrouter_name",
    "guess_fireworks_name",
    "register_fireworks_model",
    "register_openrouter_model",
]
