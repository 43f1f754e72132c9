"""Prompts -> responses: what the provider answers, over HTTP or through its own SDK."""

from token_difr.answers.collecting import as_provider, asks_token_ids, check_asked, collect
from token_difr.answers.estimates import Estimate, estimate
from token_difr.answers.prompts import check_prompts, read_prompts
from token_difr.answers.provider import ChatProvider, Provider, Turn

__all__ = [
    "ChatProvider",
    "Estimate",
    "Provider",
    "Turn",
    "as_provider",
    "asks_token_ids",
    "check_asked",
    "check_prompts",
    "collect",
    "estimate",
    "read_prompts",
]
