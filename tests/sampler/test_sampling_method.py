"""The sampler names of token-difr 0.1."""

from __future__ import annotations

import pytest

from token_difr import SamplingMethod, UnreplayableError


def test_the_old_names_have_their_samplers() -> None:
    """By value as before; on a CPU and on a GPU; Tinker's says why there is none."""
    method = SamplingMethod("vllm_gumbel_max")

    assert method is SamplingMethod.VLLM_GUMBEL_MAX
    assert (method.sampler().stream, method.sampler().filters) == ("torch-cpu", "vllm")
    assert (method.sampler(gpu="H100").stream, method.sampler(gpu="H100").filters) == ("torch-cuda", "vllm")
    with pytest.raises(UnreplayableError, match="random number generator is not public"):
        SamplingMethod.TINKER_GUMBEL_MAX.sampler()
