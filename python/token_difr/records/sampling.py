"""How the provider was told to sample."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from token_difr.errors import InputError
from token_difr.records.part import SHARED

__all__ = ["GREEDY_TEMPERATURE", "SamplingParams", "derived_seeds"]

GREEDY_TEMPERATURE = 1e-5
"""Below this temperature sampling is greedy: vLLM's own threshold, taken wherever an engine's is not known."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SamplingParams:
    """The sampling parameters that every stage shares.

    Attributes:
        temperature: Divides the logits, at least 0. Below ``GREEDY_TEMPERATURE`` the sampling is greedy.
        top_k: Keep the ``top_k`` likeliest tokens; 0 = off; 1 = greedy at any temperature.
        top_p: Keep the likeliest tokens whose mass reaches ``top_p``, in (0, 1]; 1 = off.
        min_p: Drop tokens below ``min_p`` times the likeliest one's probability, in [0, 1]; 0 = off.
        seed: Seed of the sampler: one for all sequences, or a tuple of one a sequence; None = unseeded.

    Raises:
        InputError: A value outside these ranges; the message names the parameter.
    """

    temperature: float = field(default=0.0, metadata=SHARED)
    top_k: int = field(default=0, metadata=SHARED)
    top_p: float = field(default=1.0, metadata=SHARED)
    min_p: float = field(default=0.0, metadata=SHARED)
    seed: int | tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.temperature) and self.temperature >= 0):
            raise InputError(f"temperature must be a finite number of at least 0, not {self.temperature!r}")
        if self.top_k < 0:
            raise InputError(f"top_k must be at least 0 (0 = off), not {self.top_k!r}")
        if not 0 < self.top_p <= 1:
            raise InputError(f"top_p must lie in (0, 1], not {self.top_p!r}")
        if not 0 <= self.min_p <= 1:
            raise InputError(f"min_p must lie in [0, 1], not {self.min_p!r}")

    @property
    def greedy(self) -> bool:
        """Whether these parameters leave one possible token at every position."""
        return self.temperature < GREEDY_TEMPERATURE or self.top_k == 1

    @property
    def shares_seed(self) -> bool:
        """Whether all sequences are drawn from one seed, and so from the same noise."""
        return isinstance(self.seed, int)

    def seed_of(self, sequence: int) -> int | None:
        """The seed of sequence number ``sequence``; None = unseeded."""
        return self.seed[sequence] if isinstance(self.seed, tuple) else self.seed

    def check_seeds(self, count: int, things: str = "sequence") -> None:
        """Whether every one of ``count`` sequences (or other ``things``) has a seed, or none has.

        Raises:
            InputError: There are more seeds, or fewer.
        """
        if isinstance(self.seed, tuple) and len(self.seed) != count:
            raise InputError(f"there are {len(self.seed)} seeds for {count} {things}s: give one, or one a {things}")


def derived_seeds(seed: int, count: int) -> tuple[int, ...]:
    """``count`` seeds from one, a sequence each: answers that share a seed share their noise, and tell less together.

    Of 31 bits, which every engine takes: the upper ones of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014) started at
    ``seed``. The same ones in every release.
    """
    return tuple(_mixed(seed + (index + 1) * 0x9E3779B97F4A7C15) >> 33 for index in range(count))


def _mixed(value: int) -> int:
    value %= 2**64
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    value = (value ^ (value >> 27)) * 0x94D049BB133111EB % 2**64
    return value ^ (value >> 31)
