"""``SamplingMethod``: how token-difr 0.1 named samplers, and what each is today."""

from __future__ import annotations

from enum import Enum

from token_difr.errors import UnreplayableError
from token_difr.sampler import Sampler

__all__ = ["SamplingMethod"]

TORCH_CPU = "torch-cpu@2.13:filters=vllm"
"""The stream of 0.1 without a GPU: the same from torch 2.7 on."""


class SamplingMethod(Enum):
    """How a provider samples, as in token-difr 0.1."""

    VLLM_GUMBEL_MAX = "vllm_gumbel_max"
    """A torch generator a sequence, one row of exponential noise a token, vLLM's filters (its model runner V1)."""
    TINKER_GUMBEL_MAX = "tinker_gumbel_max"
    """Tinker's, whose random numbers are not public: it cannot be replayed."""

    def sampler(self, *, gpu: str | None = None) -> Sampler:
        """The sampler of that name.

        Args:
            gpu: Name of the GPU that drew the noise, as :meth:`token_difr.Sampler.for_engine` takes it; None = a CPU.

        Raises:
            UnreplayableError: ``TINKER_GUMBEL_MAX``.
            SamplerError: An unknown GPU.
        """
        if self is SamplingMethod.TINKER_GUMBEL_MAX:
            raise UnreplayableError("the noise of tinker cannot be replayed: its random number generator is not public")
        return Sampler.parse(TORCH_CPU if gpu is None else f"torch-cuda@2.13:gpu={gpu},filters=vllm")
