"""Thinking Machines' Tinker, through its own SDK (extra ``tinker``): as provider, as reference, and in training."""

from token_difr.tinker.provider import TinkerProvider
from token_difr.tinker.reference import TinkerReference

__all__ = ["TinkerProvider", "TinkerReference"]
