"""Several models on one server: each ``--model NAME=MODEL[,option[=value]...]``, on the settings of all."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from token_difr.errors import InputError
from token_difr.sampler import Sampler
from token_difr.server.model.engine.loading import EngineChoice
from token_difr.server.model.engine.rounding import WeightRounding
from token_difr.server.model.engine.torch import ElementType
from token_difr.server.settings import Mix, ServerSettings

__all__ = ["MODEL_OPTIONS", "parse_models"]

MODEL_OPTIONS: dict[str, tuple[str, Callable[[str], Any] | None]] = {
    "max-logprobs": ("max_logprobs", int),
    "max-batch": ("max_batch", int),
    "max-queue": ("max_queue", int),
    "max-request-tokens": ("max_request_tokens", int),
    "engine": ("engine", EngineChoice),
    "dtype": ("element_type", ElementType),
    "threads": ("threads", int),
    "sampler": ("sampler", Sampler.parse),
    "echo-bos": ("echo_bos", None),
    "weights": ("weights", WeightRounding),
    "kv-bits": ("kv_bits", int),
    "system-prompt": ("system_prompt", str),
    "template": ("template", Path),
    "temperature-scale": ("temperature_scale", float),
    "top-k-bug": ("top_k_bug", float),
    "random-token-rate": ("random_token_rate", float),
    "ignore-seed": ("ignore_seed", None),
    "force-seed": ("force_seed", int),
    "force-top-p": ("force_top_p", float),
    "mix": ("mix", Mix.parse),
    "latency": ("latency", float),
}
"""What may differ from model to model: the command line's name, that of the settings, and what reads the value; None =
a switch."""


def parse_models(texts: Sequence[str], shared: ServerSettings) -> list[ServerSettings]:
    """The settings of each model.

    Args:
        texts: ``NAME=MODEL[,option[=value]...]``, each.
        shared: Settings of all; an option of a model takes the place of theirs.

    Raises:
        InputError: A text has another form, an option is not known or wrong, or two models have one name.
    """
    models = [_parse(text, shared) for text in texts]
    names = [model.name for model in models]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"--model: two models are called {twice!r}")
    return models


def _parse(text: str, shared: ServerSettings) -> ServerSettings:
    name, _, rest = text.partition("=")
    model, *options = rest.split(",")
    if not name or not model:
        raise InputError(f"--model takes NAME=MODEL[,option[=value]...], not {text!r}")
    given = dict(_option(option, text) for option in options)
    return dataclasses.replace(shared, name=name, model=model, **given)


def _option(option: str, text: str) -> tuple[str, Any]:
    key, sign, value = option.partition("=")
    if key not in MODEL_OPTIONS:
        raise InputError(f"--model {text}: {key!r} is no option of a model; there are {', '.join(MODEL_OPTIONS)}")
    field, read = MODEL_OPTIONS[key]
    if read is None:
        if sign:
            raise InputError(f"--model {text}: {key} is a switch and takes no value")
        return field, True
    try:
        return field, read(value)
    except ValueError as error:
        raise InputError(f"--model {text}: {value!r} is no value of {key}") from error
