"""How a model is served."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from token_difr.engine.choice import EngineChoice
from token_difr.engine.rounding import WeightRounding
from token_difr.engine.torch import ElementType
from token_difr.errors import InputError
from token_difr.sampler import Sampler
from token_difr.server.generation.sampling.settings import DEFAULT_SAMPLER

__all__ = ["Mix", "ServerSettings"]

_SENDABLE_KEY = re.compile("[!-~]+")
_ANY = sys.float_info.max
"""Finite; a NaN lies in no range."""
_RANGES: dict[str, tuple[float, float]] = {
    "max_logprobs": (-1, _ANY),
    "max_batch": (1, _ANY),
    "max_queue": (1, _ANY),
    "max_body_bytes": (1, _ANY),
    "max_request_tokens": (1, _ANY),
    "max_connections": (1, _ANY),
    "request_seconds": (0, _ANY),
    "grace_seconds": (0, _ANY),
    "threads": (1, _ANY),
    "kv_bits": (2, 16),
    "temperature_scale": (0, _ANY),
    "top_k_bug": (0, 1),
    "random_token_rate": (0, 1),
    "force_seed": (0, 2**64 - 1),
    "force_top_p": (0, 1),
    "latency": (0, _ANY),
    "faults": (0, 1),
}


@dataclass(frozen=True)
class Mix:
    """A share of the requests that another model answers.

    Attributes:
        model: Its folder, or ``demo``.
        weights: Rounding of its weights; None = as they are.
        rate: Share of the requests, in [0, 1].
    """

    model: str
    weights: WeightRounding | None
    rate: float

    @classmethod
    def parse(cls, text: str) -> Mix:
        """Reads ``MODEL:RATE`` or ``MODEL@WEIGHTS:RATE``, such as ``demo@int4:0.2``.

        Raises:
            InputError: The text has another form, or the rate lies outside [0, 1].
        """
        named, _, rate = text.rpartition(":")
        model, _, weights = named.partition("@")
        try:
            mix = cls(model, WeightRounding(weights) if weights else None, float(rate))
        except ValueError as error:
            raise InputError(f"--mix takes MODEL:RATE or MODEL@WEIGHTS:RATE, not {text!r}") from error
        if not model or not 0 <= mix.rate <= 1:
            raise InputError(f"--mix takes MODEL:RATE with a rate in [0, 1], not {text!r}")
        return mix


@dataclass(frozen=True, kw_only=True)
class ServerSettings:
    """How a model is served.

    Attributes:
        model: Its folder, or ``demo``.
        name: The name that requests must give; None = the folder's name.
        api_key: Requests must carry it as bearer token; None = none is asked for.
        max_logprobs: Largest number of likeliest tokens that a request may ask for; -1 = the whole vocabulary.
        max_batch: Sequences generated at once.
        max_queue: Sequences that may wait.
        max_body_bytes: Larger bodies are refused.
        max_request_tokens: Most output tokens of all sequences of one request together.
        max_connections: More at once are answered with 503.
        request_seconds: A connection that has sent no whole request after so long is closed.
        grace_seconds: After the signal to stop, what runs has so long to end.
        engine: What runs the model.
        element_type: What the model computes in.
        threads: Threads of one forward pass.
        sampler: Whose noise and filters choose the tokens.
        echo_bos: Echoed logprobs of text prompts have one more leading row, as some providers send for their BOS.
        weights: Deviation: rounded weights.
        kv_bits: Deviation: keys and values kept as integers of so many bits.
        system_prompt: Deviation: takes the place of every conversation's system message.
        template: Deviation: a file with another chat template.
        temperature_scale: Deviation: multiplies every temperature.
        top_k_bug: Deviation: share of tokens at which the likeliest one is lost.
        random_token_rate: Deviation: share of generated tokens that is replaced by uniform random ids.
        text_only: Deviation: no token ids and no logprobs in answers, as most hosted providers send them; requests for
            either are accepted.
        ignore_seed: Deviation: seeds are accepted and not used.
        force_seed: Deviation: takes the place of every seed.
        force_top_p: Deviation: takes the place of every top-p.
        mix: Deviation: a share of the requests is answered by another model.
        latency: Deviation: seconds that every answer waits.
        faults: Deviation: share of requests that fail, by turns with 500, 503, 429 and a broken connection.
    """

    model: Path | str
    name: str | None = None
    api_key: str | None = None
    max_logprobs: int = 20
    max_batch: int = 32
    max_queue: int = 1024
    max_body_bytes: int = 16 * 2**20
    max_request_tokens: int = 2**20
    max_connections: int = 1024
    request_seconds: float = 60.0
    grace_seconds: float = 30.0
    engine: EngineChoice = EngineChoice.AUTO
    element_type: ElementType = ElementType.FLOAT32
    threads: int = 1
    sampler: Sampler = DEFAULT_SAMPLER
    echo_bos: bool = False
    weights: WeightRounding | None = None
    kv_bits: int | None = None
    system_prompt: str | None = None
    template: Path | None = None
    temperature_scale: float = 1.0
    top_k_bug: float = 0.0
    random_token_rate: float = 0.0
    text_only: bool = False
    ignore_seed: bool = False
    force_seed: int | None = None
    force_top_p: float | None = None
    mix: Mix | None = None
    latency: float = 0.0
    faults: float = 0.0

    def __post_init__(self) -> None:
        for name, (least, most) in _RANGES.items():
            value = getattr(self, name)
            if value is not None and not least <= value <= most:
                limits = f"at least {least}" if most == _ANY else f"between {least} and {most}"
                raise InputError(f"{name} must be {limits}, not {value}")
        if self.force_top_p == 0:
            raise InputError("force_top_p must be above 0: at 0 no token is left")
        if self.api_key is not None and not _SENDABLE_KEY.fullmatch(self.api_key):
            raise InputError("the API key must be plain ASCII without spaces, and not empty: no client could send it")
        if self.sampler.batch_size > 1 or self.sampler.needs_filter:
            raise InputError(f"the server samples each answer alone, with its seed: {self.sampler.name} does not")

    @property
    def engine_key(self) -> tuple[object, ...]:
        """Equal for settings that can share a loaded engine."""
        return (str(self.model), self.engine, self.element_type, self.weights, self.threads)

    def deviations(self) -> dict[str, Any]:
        """The deviations that are switched on, by name, as JSON values; no path is told."""
        switches = {
            "weights": self.weights,
            "kv_bits": self.kv_bits,
            "system_prompt": self.system_prompt,
            "template": None if self.template is None else self.template.name,
            "temperature_scale": None if self.temperature_scale == 1 else self.temperature_scale,
            "top_k_bug": self.top_k_bug or None,
            "random_token_rate": self.random_token_rate or None,
            "text_only": self.text_only or None,
            "ignore_seed": self.ignore_seed or None,
            "force_seed": self.force_seed,
            "force_top_p": self.force_top_p,
            "mix": self.mix and f"{Path(self.mix.model).name}@{self.mix.weights or 'float32'}:{self.mix.rate}",
            "latency": self.latency or None,
            "faults": self.faults or None,
        }
        return {name: value for name, value in switches.items() if value is not None}
