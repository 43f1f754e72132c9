"""JSON of others: bounded in depth and digits."""

from __future__ import annotations

import json

__all__ = ["DEEPEST", "MOST_DIGITS", "read_json"]

DEEPEST = 100
"""Levels of lists and objects; what reads and stores them calls itself once a level."""

TOO_DEEP = f"nested more than {DEEPEST} levels deep"

_NESTED = (dict, list)

MOST_DIGITS = 20
"""Digits of a whole number, which 64 bits fill. One with more is read as a float, as readers of JSON commonly do."""


def read_json(content: bytes | str) -> object:
    """The value of a JSON document. NaN and infinities, which some servers write, are read as floats.

    Raises:
        ValueError: No JSON, or more than ``DEEPEST`` levels; the message quotes nothing of the document.
    """
    try:
        value: object = json.loads(content, parse_int=_whole)
        reason = "" if _is_shallow(value) else TOO_DEEP
    except RecursionError:
        reason = TOO_DEEP
    except ValueError as error:
        reason = str(error)
    if reason:
        raise ValueError(reason)  # here, so that it does not hold the first one, which holds the document
    return value


def _whole(digits: str) -> int | float:
    # Python refuses to write an int of more than 4,300 digits, wherever it is shown or stored.
    return int(digits) if len(digits) <= MOST_DIGITS else float(digits)


def _is_shallow(value: object) -> bool:
    level = [value]
    for _ in range(DEEPEST + 1):
        lists = [item.values() if isinstance(item, dict) else item for item in level if isinstance(item, _NESTED)]
        if not lists:
            return True
        level = [item for items in lists for item in items]
    return False
