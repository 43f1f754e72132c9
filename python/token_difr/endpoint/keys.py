"""Keys and header values out of environment variables, whose names alone are shown."""

from __future__ import annotations

import os
import re

from token_difr.errors import InputError

__all__ = ["clean_key", "secret_from"]

VARIABLE = re.compile(r"[A-Z][A-Z0-9]{0,11}|[A-Z][A-Z0-9]{0,15}(_[A-Z0-9]{1,16}){1,5}")
"""Names that variables have. What looks otherwise may be the key itself, given in the variable's place."""


def secret_from(variable: str, what: str) -> str:
    """The value of an environment variable that holds a secret, without the white space around it.

    Args:
        variable: Its name; not shown where it may be a key.
        what: What it should hold, for the message.

    Raises:
        InputError: It is not set, or holds what no header can hold.
    """
    value = os.environ.get(variable, "")
    if not value.strip():
        raise InputError(_unset(variable, what))
    return clean_key(value, f"the environment variable {variable}")


def clean_key(key: str, where: str) -> str:
    """A key as it is sent.

    Raises:
        InputError: It is empty, or holds characters that no header can hold.
    """
    key = key.strip()  # a .env file with CRLF ends leaves a carriage return
    if not key:
        raise InputError(f"{where} is empty")
    if not (key.isascii() and key.isprintable()):
        raise InputError(f"{where} holds characters that no key has: set it once more")
    return key


def _unset(variable: str, what: str) -> str:
    if VARIABLE.fullmatch(variable):
        return f"the environment variable {variable}, which should hold {what}, is not set"
    return (
        f"what was given as the name of the environment variable with {what} is no name of a variable that is set. It is "
        "not shown, as it may be the key: put the key into a variable and give that one's name, such as MY_KEY"
    )
