"""Calls in Qwen's XML: ``<function=NAME><parameter=KEY>value</parameter></function>``.

Values are texts. A schema of the function's arguments says what else they are: then they are read as JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

__all__ = ["QwenCall", "read_qwen_call"]

_FUNCTION = re.compile(r"<function=([^>\s]+)>")
# A value ends where its closing tag is followed by what can follow a value: it may hold such a tag itself.
_PARAMETER = re.compile(
    r"\s*<parameter=([^>\s]+)>\n?(.*?)\n?</parameter>(?=\s*(?:<parameter=|</function>|</tool_call>|\Z))", re.DOTALL
)
_END = re.compile(r"\s*(?:</function>|(?=</tool_call>)|\Z)")
_TYPES: dict[str, tuple[type, ...]] = {
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
    "null": (type(None),),
}


class QwenCall(NamedTuple):
    """One call, and where its text ends."""

    name: str
    arguments: dict[str, Any]
    end: int


def read_qwen_call(text: str, at: int, tools: Mapping[str, Mapping[str, Any] | None]) -> QwenCall | None:
    """The call that begins at a place; None where there is none, or of a function that was not declared.

    Args:
        text: Any text.
        at: Where the call may begin.
        tools: The declared functions with the schemas of their arguments.
    """
    function = _FUNCTION.match(text, at)
    if function is None or function[1] not in tools:
        return None
    schema, arguments, at = tools[function[1]] or {}, {}, function.end()
    while parameter := _PARAMETER.match(text, at):
        arguments[parameter[1]] = _typed(parameter[2], _property_types(schema, parameter[1]))
        at = parameter.end()
    end = _END.match(text, at)
    return None if end is None else QwenCall(function[1], arguments, end.end())


def _property_types(schema: Mapping[str, Any], name: str) -> set[str]:
    """The JSON types that a schema names for one argument."""
    properties = schema.get("properties")
    described = properties.get(name) if isinstance(properties, Mapping) else None
    return _types(described) if isinstance(described, Mapping) else set()


def _types(described: Mapping[str, Any]) -> set[str]:
    named = described.get("type")
    types = {named} if isinstance(named, str) else {one for one in named or () if isinstance(one, str)}
    for word in ("anyOf", "oneOf"):
        options = described.get(word)
        for option in options if isinstance(options, list) else ():
            types |= _types(option) if isinstance(option, Mapping) else set()
    return types


def _typed(text: str, types: set[str]) -> Any:
    """The value of a text: of one of the types if it reads as that, else the text."""
    # A text may be anything, so where a string is allowed only null is read.
    wanted = tuple(
        kind for name in types & (_TYPES.keys() if "string" not in types else {"null"}) for kind in _TYPES[name]
    )
    if not wanted:
        return text
    lowered = text.strip().lower() if text.strip() in ("True", "False", "None") else text.strip()
    try:
        value = json.loads({"none": "null"}.get(lowered, lowered), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return text
    fits = isinstance(value, wanted) and (not isinstance(value, bool) or bool in wanted)
    return value if fits else text


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")
