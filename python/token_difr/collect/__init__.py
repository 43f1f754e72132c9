"""Prompts -> responses: what the provider answers, over HTTP or through its own SDK."""

from token_difr.collect.asking import Asking
from token_difr.collect.collect import as_provider, asks_token_ids, collect
from token_difr.collect.estimate import Estimate, estimate
from token_difr.collect.prompts import check_prompts, read_prompts
from token_difr.collect.provider import ChatProvider, Provider
from token_difr.collect.tinker import TinkerProvider

__all__ = [
    "Asking",
    "ChatProvider",
    "Estimate",
    "Provider",
    "TinkerProvider",
    "as_provider",
    "asks_token_ids",
    "check_prompts",
    "collect",
    "estimate",
    "read_prompts",
]
