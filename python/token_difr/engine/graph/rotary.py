"""The angles of rotary position embeddings (Su et al., RoFormer, arXiv:2104.09864).

Pair i of a head's d numbers is turned by position * f_i with f_i = theta^(-2i / d). Scalings stretch the angles to longer
texts than the model was first trained on:

* linear: f_i / factor.
* llama3 (Llama 3.1): as linear where the wavelength 2 pi / f_i is above original / low_freq_factor, unchanged where it is
  below original / high_freq_factor, and in between a mix, linear in original / wavelength.
* divided: f_i / d_i with given divisors d_i, as GGUF files hold them (of llama3's scaling).
* yarn (Peng et al., arXiv:2309.00071): the mix is linear in i, between the pairs that turn beta_fast and beta_slow times
  within the original length; cosines and sines are multiplied by 0.1 ln(factor) + 1.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from token_difr.errors import InputError

__all__ = ["Rotation"]


@dataclass(frozen=True, kw_only=True)
class Rotation:
    """How queries and keys are turned.

    Attributes:
        frequencies: Angle a position, of each pair; float32 values.
        magnitude: Multiplies cosines and sines.
    """

    frequencies: tuple[float, ...]
    magnitude: float = 1.0

    @classmethod
    def named(cls, kind: str, head_size: int, options: Mapping[str, Any]) -> Rotation | None:
        """The rotation that a configuration names; None where it is none of those above.

        Args:
            kind: ``rope_type``.
            head_size: Width of a head; even.
            options: ``rope_theta``, ``max_position_embeddings`` and what the kind takes.

        Raises:
            InputError: A number is missing or is none.
        """
        if head_size % 2:
            raise InputError(f"config.json: a head of {head_size} numbers cannot be turned by pairs")
        scalings = {"default": _unscaled, "linear": _linear, "llama3": _llama3, "yarn": _yarn, "divided": _divided}
        if kind not in scalings or options.get("mscale") or options.get("mscale_all_dim"):
            return None
        exponents = np.arange(0, head_size, 2, dtype=np.float32) / np.float32(head_size)
        theta = _value(options, "rope_theta")
        plain = (1.0 / np.float32(theta) ** exponents).astype(np.float32)
        frequencies, magnitude = scalings[kind](plain, options)
        return cls(frequencies=tuple(float(each) for each in frequencies), magnitude=magnitude)


def _value(options: Mapping[str, Any], name: str, default: float | None = None) -> float:
    value = options.get(name)
    value = default if value is None else value
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        raise InputError(f"config.json: the rotary embedding needs a positive {name}, not {value!r}")
    return float(value)


def _unscaled(plain: NDArray[np.float32], options: Mapping[str, Any]) -> tuple[NDArray[np.float32], float]:
    del options
    return plain, 1.0


def _linear(plain: NDArray[np.float32], options: Mapping[str, Any]) -> tuple[NDArray[np.float32], float]:
    return plain / np.float32(_value(options, "factor")), 1.0


def _divided(plain: NDArray[np.float32], options: Mapping[str, Any]) -> tuple[NDArray[np.float32], float]:
    divisors = np.array(options.get("divisors"), dtype=np.float32)
    if divisors.shape != plain.shape or not (divisors > 0).all():
        raise InputError(f"the rotary embedding needs {len(plain)} positive divisors")
    return plain / divisors, 1.0


def _llama3(plain: NDArray[np.float32], options: Mapping[str, Any]) -> tuple[NDArray[np.float32], float]:
    factor, original = _value(options, "factor"), _value(options, "original_max_position_embeddings")
    low, high = _value(options, "low_freq_factor"), _value(options, "high_freq_factor")
    turns = original * plain / (2 * math.pi)
    kept = np.clip((turns - low) / (high - low), 0, 1)
    mixed: NDArray[np.float32] = ((1 - kept) * plain / factor + kept * plain).astype(np.float32)
    return mixed, 1.0


def _yarn(plain: NDArray[np.float32], options: Mapping[str, Any]) -> tuple[NDArray[np.float32], float]:
    factor = _value(options, "factor")
    pairs, theta = len(plain), _value(options, "rope_theta")
    original = _value(options, "original_max_position_embeddings", options.get("max_position_embeddings"))

    def pair_turning(times: float) -> float:
        """The pair, as a fraction, that turns so many times within the original length."""
        return pairs * math.log(original / (times * 2 * math.pi)) / math.log(theta)

    low, high = pair_turning(_value(options, "beta_fast", 32)), pair_turning(_value(options, "beta_slow", 1))
    if options.get("truncate", True):
        low, high = math.floor(low), math.ceil(high)
    low, high = max(low, 0), min(high, 2 * pairs - 1)
    stretched = np.clip((np.arange(pairs) - low) / max(high - low, 1e-3), 0, 1)
    mixed: NDArray[np.float32] = (stretched * plain / factor + (1 - stretched) * plain).astype(np.float32)
    magnitude = 0.1 * math.log(factor) + 1.0 if factor > 1 else 1.0
    return mixed, _value(options, "attention_factor", magnitude)
