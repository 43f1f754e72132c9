"""Several models on one server: each ``--model NAME=MODEL[,OPTION[=VALUE]...]``, on the options of all.

An option of a model is one of the command's own: names and types are read from its signature, where they stand once.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple, get_args, get_type_hints

from token_difr.errors import InputError

__all__ = ["NamedModel", "model_options", "parse_models"]


class NamedModel(NamedTuple):
    """One model of several.

    Attributes:
        name: In requests.
        model: Its folder, GGUF file or ``demo``.
        options: Values of its own options, by the names of the command's parameters.
    """

    name: str
    model: str
    options: dict[str, Any]


def model_options(command: Callable[..., None], *, but: Collection[str]) -> dict[str, Callable[[str], Any] | None]:
    """What may differ from model to model: the command's parameters, and what reads their values; None = a switch.

    Args:
        command: A command of typer's.
        but: Parameters that concern the server as a whole.
    """
    hints = get_type_hints(command)
    kinds = {name: _kind(hints[name]) for name in inspect.signature(command).parameters if name not in but}
    return {name: None if kind is bool else kind for name, kind in kinds.items()}


def _kind(hint: Any) -> Any:
    """The type of a hint that may allow None."""
    return next((one for one in get_args(hint) if one is not type(None)), hint)


def parse_models(texts: Sequence[str], options: Mapping[str, Callable[[str], Any] | None]) -> list[NamedModel]:
    """The models, with what each says for itself.

    Args:
        texts: ``NAME=MODEL[,option[=value]...]``, each.
        options: See :func:`model_options`.

    Raises:
        InputError: A text has another form, an option is not known or wrong, or two models have one name.
    """
    models = [_parse(text, options) for text in texts]
    names = [model.name for model in models]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"--model: two models are called {twice!r}")
    return models


def _parse(text: str, options: Mapping[str, Callable[[str], Any] | None]) -> NamedModel:
    name, _, rest = text.partition("=")
    model, *given = rest.split(",")
    if not name or not model:
        raise InputError(f"--model takes NAME=MODEL[,option[=value]...], not {text!r}")
    return NamedModel(name, model, dict(_option(each, text, options) for each in given))


def _option(given: str, text: str, options: Mapping[str, Callable[[str], Any] | None]) -> tuple[str, Any]:
    key, sign, value = given.partition("=")
    name = key.replace("-", "_")
    if name not in options or "_" in key:
        known = ", ".join(option.replace("_", "-") for option in options)
        raise InputError(f"--model {text}: {key!r} is no option of a model; there are {known}")
    read = options[name]
    if read is None:
        if sign:
            raise InputError(f"--model {text}: {key} is a switch and takes no value")
        return name, True
    try:
        return name, read(value)
    except ValueError as error:
        raise InputError(f"--model {text}: {value!r} is no value of {key}") from error
