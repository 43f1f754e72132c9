"""Records <-> JSON values, by the types that the records' fields declare.

JSON has no NaN and no infinity: they are written ``null``, and where a float belongs ``null`` is read as NaN. A named
tuple is a list. Every field without a default must be there, and no unknown one: what an older release wrote is read.
"""

from __future__ import annotations

import dataclasses
import math
import types
from collections.abc import Mapping
from enum import Enum
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from token_difr.errors import InputError
from token_difr.untrusted import printable

__all__ = ["finite_json", "record_from_json", "record_to_json"]

Record = TypeVar("Record")


class _UnfitError(ValueError):
    """A value that does not fit; says where and why."""


def record_to_json(record: Any) -> dict[str, Any]:
    """The record's fields as JSON values, by name."""
    values: dict[str, Any] = finite_json(dataclasses.asdict(record))
    return values


def record_from_json(kind: type[Record], values: object) -> Record:
    """The inverse of :func:`record_to_json`.

    Args:
        kind: A frozen dataclass whose fields are plain values, records, tuples, lists, mappings and unions of them.
        values: What :func:`record_to_json` gave, or anything else.

    Raises:
        InputError: Anything else; says where and why.
    """
    try:
        record: Record = _record(kind, values, "")
    except _UnfitError as error:
        raise InputError(str(error)) from error
    return record


def finite_json(value: Any) -> Any:
    """``value`` with mappings and sequences as JSON has them, and every NaN and infinity as None."""
    if isinstance(value, Mapping):
        return {str(key): finite_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite_json(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _record(kind: Any, values: object, place: str) -> Any:
    hints = get_type_hints(kind)
    if not isinstance(values, Mapping) or not all(isinstance(name, str) for name in values):
        raise _unfit(place, "a record", values)
    optional = {each.name for each in dataclasses.fields(kind) if _has_default(each)}
    wrong = sorted((hints.keys() - optional - values.keys()) | (values.keys() - hints.keys()))
    if wrong:
        raise _UnfitError(f"{_inside(place, wrong[0])} {'is missing' if wrong[0] in hints else 'is not known'}")
    fields = {name: _value(hint, values[name], _inside(place, name)) for name, hint in hints.items() if name in values}
    try:
        return kind(**fields)
    except (ValueError, OSError, RuntimeError) as error:  # what the records' own checks raise, of a path among others
        raise _UnfitError(f"{place or 'it'}: {printable(str(error), longest=200)}") from error


def _has_default(field: dataclasses.Field[Any]) -> bool:
    return field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING


def _value(hint: Any, value: object, place: str) -> Any:  # noqa: PLR0911 - one line a kind of type
    origin = get_origin(hint)
    if origin is types.UnionType:
        return _either(get_args(hint), value, place)
    if origin is Literal:
        return _checked(value, place, fits=value in get_args(hint), wanted=" or ".join(map(str, get_args(hint))))
    if origin is list:
        return list(_tuple((get_args(hint)[0], ...), value, place))
    if origin is tuple:
        return _tuple(get_args(hint), value, place)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return _mapping(get_args(hint)[1], value, place)
    if hint is Any:
        return value
    if dataclasses.is_dataclass(hint):
        return _record(hint, value, place)
    if issubclass(hint, tuple):
        return hint(*_tuple(tuple(get_type_hints(hint).values()), value, place))
    if issubclass(hint, Enum):
        values = [member.value for member in hint]
        return hint(_checked(value, place, fits=value in values, wanted=" or ".join(values)))
    return _scalar(hint, value, place)


def _scalar(hint: type, value: object, place: str) -> Any:
    if hint is float:
        return _float(value, place)
    wanted = {int: "a whole number", str: "text", bool: "true or false", type(None): "null"}[hint]
    return _checked(value, place, fits=type(value) is hint, wanted=wanted)


def _float(value: object, place: str) -> float:
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _unfit(place, "a number", value)
    try:
        return float(value)
    except OverflowError as error:
        raise _UnfitError(f"{place} is too large") from error


def _either(hints: tuple[Any, ...], value: object, place: str) -> Any:
    """The first of the types that fits; null is None where None is among them."""
    if value is None and type(None) in hints:
        return None
    unfit: list[_UnfitError] = []
    for hint in hints:
        try:
            return _value(hint, value, place)
        except _UnfitError as error:
            unfit.append(error)
    raise unfit[0]


def _tuple(hints: tuple[Any, ...], value: object, place: str) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise _unfit(place, "a list", value)
    if hints[-1] is Ellipsis:
        hints = (hints[0],) * len(value)
    if len(hints) != len(value):
        raise _UnfitError(f"{place} has {len(value)} entries, not {len(hints)}")
    pairs = zip(hints, value, strict=True)
    return tuple(_value(hint, item, f"{place}[{index}]") for index, (hint, item) in enumerate(pairs))


def _mapping(hint: Any, value: object, place: str) -> dict[str, Any]:
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        raise _unfit(place, "a mapping of names", value)
    return {name: _value(hint, item, _inside(place, name)) for name, item in value.items()}


def _checked(value: object, place: str, *, fits: bool, wanted: str) -> object:
    if not fits:
        raise _unfit(place, wanted, value)
    return value


def _inside(place: str, name: str) -> str:
    return f"{place}.{printable(name)}" if place else printable(name)


def _unfit(place: str, wanted: str, value: object) -> _UnfitError:
    return _UnfitError(f"{place or 'it'} should be {wanted}, not of type {type(value).__name__}")
