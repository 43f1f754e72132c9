"""What token-difr 0.1 had under this path; new work imports it from the package."""

from token_difr.compat.local import verify_outputs
from token_difr.compat.sampling_method import SamplingMethod
from token_difr.records import TokenMetrics, TokenSequence
from token_difr.scores import compute_metrics_summary

__all__ = ["SamplingMethod", "TokenMetrics", "TokenSequence", "compute_metrics_summary", "verify_outputs"]
