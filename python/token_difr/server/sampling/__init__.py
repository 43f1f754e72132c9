"""From logits to a token: penalties, filters and the Gumbel rule, dense over the vocabulary."""

from token_difr.server.sampling.sampler import TokenSampler
from token_difr.server.sampling.settings import SamplingSettings

__all__ = ["SamplingSettings", "TokenSampler"]
