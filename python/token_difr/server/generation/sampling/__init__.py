"""From logits to a token: penalties, filters and the Gumbel rule, dense over the vocabulary.

Shares the streams of noise with the scorer (``token_difr.sampler``), and not one line of its supports and bounds: the
dense filters here are an implementation of their own. Imports nothing else of the server.
"""

from token_difr.server.generation.sampling.sampler import TokenSampler
from token_difr.server.generation.sampling.settings import SamplingSettings

__all__ = ["SamplingSettings", "TokenSampler"]
