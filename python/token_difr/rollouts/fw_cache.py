"""The cache under its older path; one serves all providers."""

from token_difr.rollouts.cache import RolloutCache

__all__ = ["RolloutCache"]
