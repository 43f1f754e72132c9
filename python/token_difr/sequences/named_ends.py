"""The tokens that end an answer, as the files beside a model's weights name them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from token_difr.errors import InputError

__all__ = ["FILES", "ends_named_in", "json_object", "special_token_text"]

FILES = ("generation_config.json", "config.json")
"""Where ids stand; the first of the files that names any counts, as in vLLM and transformers."""


def ends_named_in(folder: Path, token_id: Callable[[str], int | None], size: int) -> tuple[int, ...]:
    """All tokens that end an answer, as ``folder`` names them: a list of ids means each of them.

    Args:
        folder: Holds ``generation_config.json``, ``config.json`` and ``tokenizer_config.json``, or some of them.
        token_id: The id of a token by its name; None where there is none.
        size: How many tokens there are. A model may have more than its tokenizer: then ``config.json`` tells.

    Returns:
        In the order in which they are named; nothing where nothing names them. Where no file has an id, ``eos_token`` of
        ``tokenizer_config.json`` names the token.

    Raises:
        InputError: A file that is no JSON object, or an id that no token has.
    """
    size = max(size, _vocabulary_size(json_object(folder / "config.json")))
    for file in FILES:
        named = _ids(json_object(folder / file))
        if named is None:
            continue
        for token in named:
            if type(token) is not int or not 0 <= token < size:
                raise InputError(
                    f"{folder / file}: eos_token_id has {token!r}, and there are {size} tokens: no token ends so"
                )
        return tuple(dict.fromkeys(named))
    settings = json_object(folder / "tokenizer_config.json")
    name = special_token_text(settings.get("eos_token"))
    token = None if name is None else token_id(name)
    return () if token is None else (token,)


def _ids(config: dict[str, Any]) -> list[Any] | None:
    """What a file says, in itself or in the part on the model's text; None where it says nothing."""
    inner = config.get("text_config")
    for part in (config, inner if isinstance(inner, dict) else {}):
        named = part.get("eos_token_id")
        if named is not None and named != []:
            return named if isinstance(named, list) else [named]
    return None


def _vocabulary_size(config: dict[str, Any]) -> int:
    inner = config.get("text_config")
    parts = (config, inner if isinstance(inner, dict) else {})
    return max((size for part in parts if type(size := part.get("vocab_size")) is int), default=0)


def special_token_text(entry: Any) -> str | None:
    """The text of a special token, which a configuration gives as such or as an object with ``content``."""
    text = entry.get("content") if isinstance(entry, dict) else entry
    return text if isinstance(text, str) else None


def json_object(file: Path) -> dict[str, Any]:
    """The JSON object in a file of a model's folder; empty where there is no such file.

    Raises:
        InputError: It holds something else.
    """
    if not file.is_file():
        return {}
    try:
        content = json.loads(file.read_bytes())
    except ValueError as error:
        raise InputError(f"{file}: not JSON: {error}") from error
    if not isinstance(content, dict):
        raise InputError(f"{file}: not a JSON object")
    return content
