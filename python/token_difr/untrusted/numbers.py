"""Numbers that others state: of which type they must be, and how large they may be."""

from __future__ import annotations

import math

__all__ = ["LOWEST", "MOST_TOKENS", "MOST_USD", "money", "read_logprob", "token_count", "whole_number"]

MOST_TOKENS = 10**9
"""Tokens of one answer or prompt: a thousand times the longest context of any model. More is no count."""

MOST_USD = 1e6
"""US dollars for one answer, or for a million tokens. More is no price."""

MOST_WHOLE = 2**53
"""The largest whole number up to which floats have all of them."""

LOWEST = -9999.0
"""What engines write for minus infinity, which JSON lacks; others write the lowest number of a float32."""

HIGHEST = 0.01
"""A logprob is at most 0; rounding may lift it above that, but not above this (as the native core has it)."""


def whole_number(value: object, *, most: int = MOST_WHOLE) -> int | None:
    """A whole number from 0 to ``most``, which some write with a decimal point.

    None for anything else: texts and truth values, negative numbers, NaN, and what is too large to be meant.
    """
    number = _number(value)
    if number is None or not 0 <= number <= most:
        return None
    return int(number) if isinstance(number, int) or number.is_integer() else None


def token_count(value: object) -> int | None:
    """A number of tokens; None for what is none."""
    return whole_number(value, most=MOST_TOKENS)


def money(value: object) -> float | None:
    """US dollars from 0 to ``MOST_USD``; None for anything else."""
    number = _number(value)
    return None if number is None or not 0 <= number <= MOST_USD else float(number)


def read_logprob(value: object) -> float | None:
    """A logprob in nats, at most ``HIGHEST``.

    NaN where it is stated and not known: NaN itself, an infinity as a number, as the text that strict JSON has for it or
    as ``LOWEST`` and what lies below it, and a number above ``HIGHEST``, which is the log of no probability. None where it is no
    number.
    """
    if isinstance(value, str) and value in {"nan", "inf", "-inf"}:
        return math.nan
    number = _number(value)
    if number is None:
        return None
    return float(number) if LOWEST < number <= HIGHEST else math.nan


def _number(value: object) -> int | float | None:
    """A number; a truth value is none, though Python counts with it."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
