"""What services are told and what they tell: where they are, whose key they get, models, requests, answers, prices."""

from token_difr.services.abilities import check_able, check_completions, check_template_variables
from token_difr.services.answer import Answer, first_choice, read_answer, reasoning_is_unsent
from token_difr.services.clients import open_client
from token_difr.services.logprobs import logprobs_of, own_logprobs
from token_difr.services.message import message_texts
from token_difr.services.model_names import (
    FIREWORKS_MODEL_REGISTRY,
    OPENROUTER_MODEL_REGISTRY,
    REGISTRY,
    get_openrouter_name,
    guess_fireworks_name,
    register_fireworks_model,
    register_openrouter_model,
)
from token_difr.services.prices import Prices, listed_prices
from token_difr.services.profiles import ServiceProfile, profile_named, profile_of, service_profiles
from token_difr.services.registry import Registry, Service
from token_difr.services.request_fields import (
    CHAT_PATH,
    COMPLETIONS_PATH,
    TOKEN_IDS_FIELD,
    RequestOptions,
    chat_fields,
    common_fields,
    completion_fields,
    routing_to,
)
from token_difr.services.usage import StatedUsage

__all__ = [
    "CHAT_PATH",
    "COMPLETIONS_PATH",
    "FIREWORKS_MODEL_REGISTRY",
    "OPENROUTER_MODEL_REGISTRY",
    "REGISTRY",
    "TOKEN_IDS_FIELD",
    "Answer",
    "Prices",
    "Registry",
    "RequestOptions",
    "Service",
    "ServiceProfile",
    "StatedUsage",
    "chat_fields",
    "check_able",
    "check_completions",
    "check_template_variables",
    "common_fields",
    "completion_fields",
    "first_choice",
    "get_openrouter_name",
    "guess_fireworks_name",
    "listed_prices",
    "logprobs_of",
    "message_texts",
    "open_client",
    "own_logprobs",
    "profile_named",
    "profile_of",
    "read_answer",
    "reasoning_is_unsent",
    "register_fireworks_model",
    "register_openrouter_model",
    "routing_to",
    "service_profiles",
]
