"""How far a sampler and a trainer of the same weights are apart, token by token."""

from token_difr.mismatch.measure import Mismatch, measure_mismatch
from token_difr.mismatch.sources import mismatch_against, run_mismatch

__all__ = ["Mismatch", "measure_mismatch", "mismatch_against", "run_mismatch"]
