"""From the fields of a request to the sampling of its sequences."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from token_difr.sampler import Sampler
from token_difr.server.answers.requests.bodies import GenerationFields
from token_difr.server.answers.requests.error import bad_request
from token_difr.server.generation.sampling import SamplingSettings
from token_difr.server.generation.sampling.settings import DEFAULT_SAMPLER

__all__ = ["SamplingRules", "seeds_of"]

_SEEDS = 2**64


def seeds_of(fields: GenerationFields) -> list[int]:
    """The seeds of one prompt's choices: that of choice i is seed + i modulo 2^64, and the answer tells it.

    Without a seed in the request every prompt gets a fresh one of 32 bits: more of them the noise does not use.
    """
    first = secrets.randbits(32) if fields.seed is None else fields.seed
    return [(first + place) % _SEEDS for place in range(fields.n)]


@dataclass(frozen=True, kw_only=True)
class SamplingRules:
    """What the server does to the sampling of every request.

    Attributes:
        sampler: Whose noise and filters choose the tokens.
        temperature_scale: Deviation: multiplies every temperature.
        force_top_p: Deviation: takes the place of every top-p.
        ignore_seed: Deviation: seeds are accepted and not used.
        force_seed: Deviation: takes the place of every seed.
    """

    sampler: Sampler = DEFAULT_SAMPLER
    temperature_scale: float = 1.0
    force_top_p: float | None = None
    ignore_seed: bool = False
    force_seed: int | None = None

    def settings(
        self, fields: GenerationFields, *, seed: int, vocabulary_size: int, masks: Mapping[str, Any]
    ) -> SamplingSettings:
        """The sampling of one sequence.

        Args:
            fields: The request.
            seed: What the request asks this sequence to be sampled with.
            vocabulary_size: Token ids lie below it.
            masks: What drops tokens, by the names of :class:`SamplingSettings`.
        """
        if self.sampler.filters == "sglang" and fields.min_p and fields.seed is not None:
            message = "SGLang takes no min_p together with a seed, and this server samples as it."
            raise bad_request(message, param="min_p")
        return SamplingSettings(
            temperature=(1.0 if fields.temperature is None else fields.temperature) * self.temperature_scale,
            top_k=max(fields.top_k or 0, 0),
            top_p=self._top_p(fields),
            min_p=fields.min_p or 0.0,
            seed=self._seed(seed),
            sampler=self.sampler,
            **_penalties(fields, vocabulary_size),
            **masks,
        )

    def _top_p(self, fields: GenerationFields) -> float:
        if self.force_top_p is not None:
            return self.force_top_p
        return 1.0 if fields.top_p is None else fields.top_p

    def _seed(self, seed: int) -> int:
        """The seed that is used: the request's, unless the server deviates."""
        if self.ignore_seed:
            return secrets.randbits(32)
        return seed if self.force_seed is None else self.force_seed


def _penalties(fields: GenerationFields, vocabulary_size: int) -> dict[str, Any]:
    """What changes the logits before the temperature, by the names of :class:`SamplingSettings`."""
    repetition = fields.repetition_penalty if fields.repetition_penalty is not None else fields.repeat_penalty
    window = fields.repeat_last_n
    return {
        "repetition_penalty": 1.0 if repetition is None else repetition,
        "repetition_window": None if window in (None, -1) else window,
        "presence_penalty": fields.presence_penalty or 0.0,
        "frequency_penalty": fields.frequency_penalty or 0.0,
        "logit_bias": _logit_bias(fields.logit_bias or {}, vocabulary_size),
    }


def _logit_bias(bias: dict[str, float], vocabulary_size: int) -> dict[int, float]:
    checked = {}
    for key, value in bias.items():
        if not key.isascii() or not key.isdecimal() or len(key) > 10 or int(key) >= vocabulary_size:
            raise bad_request(f"logit_bias: {key[:40]!r} is no token id of this model.", param="logit_bias")
        if not -100 <= value <= 100:
            raise bad_request(f"logit_bias of token {key} must lie in [-100, 100].", param="logit_bias")
        checked[int(key)] = value
    return checked
