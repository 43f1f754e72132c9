"""What token-difr 0.1 had under this path; new work imports it from the package."""

from token_difr.compat.sparse_logprobs import PositionLogprobs, SparseLogprobs
from token_difr.compat.verify import verify_outputs_api, verify_outputs_fireworks, verify_outputs_tinker
from token_difr.records import TokenMetrics, TokenSequence
from token_difr.scores import compute_metrics_summary

__all__ = [
    "PositionLogprobs",
    "SparseLogprobs",
    "TokenMetrics",
    "TokenSequence",
    "compute_metrics_summary",
    "verify_outputs_api",
    "verify_outputs_fireworks",
    "verify_outputs_tinker",
]
