"""Prompts -> responses: what the provider answers, over HTTP."""

from token_difr.collect.collect import asks_token_ids, collect
from token_difr.collect.estimate import Estimate, estimate
from token_difr.collect.prompts import check_prompts, read_prompts

__all__ = ["Estimate", "asks_token_ids", "check_prompts", "collect", "estimate", "read_prompts"]
