"""Token sequences -> top-k logprobs: what a trusted reference would have given at every claimed token."""

from token_difr.reference.dialects import DIALECTS, open_reference
from token_difr.reference.reference import Reference
from token_difr.reference.vllm import VllmReference

__all__ = ["DIALECTS", "Reference", "VllmReference", "open_reference"]
