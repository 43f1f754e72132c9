"""What is known of services: where they are, whose key they get, which fields they take, what they call a model."""

from token_difr.services.clients import open_client
from token_difr.services.model_names import (
    FIREWORKS_MODEL_REGISTRY,
    OPENROUTER_MODEL_REGISTRY,
    REGISTRY,
    get_openrouter_name,
    guess_fireworks_name,
    register_fireworks_model,
    register_openrouter_model,
)
from token_difr.services.profiles import ServiceProfile, profile_named, profile_of, service_profiles
from token_difr.services.registry import Registry, Service

__all__ = [
    "FIREWORKS_MODEL_REGISTRY",
    "OPENROUTER_MODEL_REGISTRY",
    "REGISTRY",
    "Registry",
    "Service",
    "ServiceProfile",
    "get_openrouter_name",
    "guess_fireworks_name",
    "open_client",
    "profile_named",
    "profile_of",
    "register_fireworks_model",
    "register_openrouter_model",
    "service_profiles",
]
