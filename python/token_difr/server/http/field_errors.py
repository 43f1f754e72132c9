"""What pydantic finds wrong in a body, in plain words: the element, what it must be, and by how much it is not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from token_difr.server.answers.requests.choices import KIND_MARK
from token_difr.server.answers.requests.error import ApiError, bad_request

__all__ = ["field_error"]

_LONGEST_NAME = 80
_WORDS = {
    "missing": "is missing",
    "too_long": "holds {actual_length} elements; at most {max_length} are taken",
    "too_short": "must hold at least {min_length} elements, not {actual_length}",
    "string_too_long": "must have at most {max_length} characters",
    "string_too_short": "must have at least {min_length} characters",
    "greater_than_equal": "must be at least {ge}, not {input}",
    "less_than_equal": "must be at most {le}, not {input}",
    "greater_than": "must be above {gt}, not {input}",
    "less_than": "must be below {lt}, not {input}",
    "int_type": "must be a whole number, not {kind}",
    "int_from_float": "must be a whole number, not {input}",
    "float_type": "must be a number, not {kind}",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false, not {kind}",
    "string_type": "must be a text, not {kind}",
    "list_type": "must be a list, not {kind}",
    "dict_type": "must be an object, not {kind}",
    "model_type": "must be an object, not {kind}",
    "model_attributes_type": "must be an object, not {kind}",
    "literal_error": "must be {expected}",
}
_KINDS = {bool: "true or false", int: "a number", float: "a number", str: "a text", list: "a list", dict: "an object"}


def field_error(errors: Sequence[Mapping[str, Any]]) -> ApiError:
    """HTTP 400 from the first fault of a body.

    Args:
        errors: As pydantic lists them. Texts of the request are never repeated, but for short names.
    """
    error = errors[0]
    place = [part for part in error["loc"] if part != "body" and not _is_kind(part)]
    details = error.get("ctx") or {}
    if error["type"] == "refused":
        place.append(details["field"])
    param = str(place[0])[:_LONGEST_NAME] if place else None
    if error["type"] == "json_invalid":
        return bad_request("The body of the request is not valid JSON.")
    if error["type"] == "extra_forbidden":
        # The name is the caller's own: it may begin as a kind's mark does.
        named = _path([*place, error["loc"][-1]] if _is_kind(error["loc"][-1]) else place)
        return bad_request(f"Unrecognized request argument supplied: {named}", param=param or named)
    return bad_request(f"{_subject(place)} {_words(error)}.", param=param)


def _is_kind(part: str | int) -> bool:
    return isinstance(part, str) and part.startswith(KIND_MARK)


def _subject(place: Sequence[str | int]) -> str:
    return f"'{_path(place)}'" if place else "The body of the request"


def _path(place: Sequence[str | int]) -> str:
    """``messages[0].content``."""
    shown = "".join(f"[{part}]" if isinstance(part, int) else f".{part[:_LONGEST_NAME]}" for part in place)
    return shown.removeprefix(".")


def _words(error: Mapping[str, Any]) -> str:
    template = _WORDS.get(error["type"])
    if template is None:
        words: str = error["msg"]
        return words.removesuffix(".")
    given = error.get("input")
    kind = _KINDS.get(type(given), "null")
    shown = given if isinstance(given, int | float) and len(str(given)) <= _LONGEST_NAME else kind
    return template.format(**{**(error.get("ctx") or {}), "input": shown, "kind": kind})
