"""``FireworksClient`` under its older path."""

from token_difr.rollouts.fireworks import FireworksClient

__all__ = ["FireworksClient"]
