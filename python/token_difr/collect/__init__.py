"""Prompts -> responses: what the provider answers, over HTTP."""

from token_difr.collect.collect import collect
from token_difr.collect.estimate import Estimate, estimate
from token_difr.collect.prompts import check_prompts, read_prompts

__all__ = ["Estimate", "check_prompts", "collect", "estimate", "read_prompts"]
