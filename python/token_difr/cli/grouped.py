"""Groups of options: a command takes one value a group, and the command line shows each field as an option of its own.

So an option is declared once, in its group, and no command repeats the list.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from inspect import Parameter
from typing import Any, get_type_hints

__all__ = ["grouped"]


def grouped(command: Callable[..., None]) -> Callable[..., None]:
    """``command`` with the fields of each parameter that is a dataclass as parameters of their own, for typer to read."""
    hints = get_type_hints(command, include_extras=True)
    groups = {name: kind for name, kind in hints.items() if is_dataclass(kind) and isinstance(kind, type)}
    parameters: list[Parameter] = []
    for name, parameter in inspect.signature(command).parameters.items():
        parameters += _fields(groups[name]) if name in groups else [parameter.replace(annotation=hints[name])]

    @functools.wraps(command)
    def flat(*arguments: Any, **options: Any) -> None:
        made = {
            name: group(**{field.name: options.pop(field.name) for field in fields(group)})
            for name, group in groups.items()
        }
        command(*arguments, **options, **made)

    # Arguments first, as Python wants it; typer lists options in this order.
    ordered = sorted(parameters, key=lambda parameter: parameter.kind)
    flat.__signature__ = inspect.Signature(ordered)  # type: ignore[attr-defined]  # what inspect looks at first
    flat.__annotations__ = {parameter.name: parameter.annotation for parameter in ordered}
    return flat


def _fields(group: type[Any]) -> list[Parameter]:
    hints = get_type_hints(group, include_extras=True)
    return [
        Parameter(
            field.name,
            Parameter.KEYWORD_ONLY,
            default=Parameter.empty if field.default is MISSING else field.default,
            annotation=hints[field.name],
        )
        for field in fields(group)
    ]
