"""Rollouts: many samples a prompt, each paid for once, from any provider, with logprobs."""

from token_difr.records import Logprobs
from token_difr.rollouts.cache import RolloutCache
from token_difr.rollouts.client import Prompt, RolloutsClient
from token_difr.rollouts.config import Config
from token_difr.rollouts.fireworks import FireworksClient
from token_difr.rollouts.fw_datatypes import FwResponse, FwRollouts
from token_difr.rollouts.presets import PRESETS, create_client
from token_difr.rollouts.response import Response, Usage
from token_difr.rollouts.samples import Rollouts, SampleError
from token_difr.rollouts.store import StoreError

__all__ = [
    "PRESETS",
    "Config",
    "FireworksClient",
    "FwResponse",
    "FwRollouts",
    "Logprobs",
    "Prompt",
    "Response",
    "RolloutCache",
    "Rollouts",
    "RolloutsClient",
    "SampleError",
    "StoreError",
    "Usage",
    "create_client",
]
