"""Prompt files and conversations."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from token_difr.errors import PromptError
from token_difr.records import Conversation
from token_difr.untrusted import printable

__all__ = ["check_prompts", "read_prompts"]


def read_prompts(path: str | os.PathLike[str]) -> list[Conversation]:
    """The conversations in a file, in order; blank lines are skipped.

    A ``.txt`` file holds one user message a line. Any other file holds one JSON value a line: ``{"messages": [...]}``,
    a list of messages, ``{"prompt": "..."}`` or a string, the last two a single user message. Keys of one's own (an id, a topic) may stand
    beside them; fields of a chat request (``tools``, ``temperature``) may not, since what an audit sends is the same for all.

    Raises:
        PromptError: The file cannot be read, is empty, or a line is no conversation to send; names file and line.
    """
    path = Path(path)
    try:
        text = path.read_text("utf-8-sig")
    except FileNotFoundError as error:
        raise PromptError(f"there is no prompt file {path}") from error
    except OSError as error:
        raise PromptError(f"cannot read the prompt file {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise PromptError(f"{path} is not UTF-8 text, at byte {error.start}") from error
    prompts = list(_conversations(path, text))
    if not prompts:
        raise PromptError(f"{path} holds no prompts")
    return prompts


def check_prompts(prompts: Sequence[Conversation | str]) -> list[Conversation]:
    """Check that there are prompts and that each can be sent.

    Returns:
        The conversations; a text has become a single user message.

    Raises:
        PromptError: No prompts, or one that is no conversation to send; names its index, from 0.
    """
    if not prompts:
        raise PromptError("there are no prompts")
    checked = []
    for index, conversation in enumerate(prompts):
        try:
            checked.append(_check(conversation))
        except PromptError as error:
            raise PromptError(f"prompt {index}: {error}") from error
    return checked


def _conversations(path: Path, text: str) -> Iterator[Conversation]:
    # Not splitlines: JSON strings and text lines may hold U+2028 and the like.
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            yield _check(line.rstrip("\r") if path.suffix == ".txt" else _parse(line))
        except PromptError as error:
            raise PromptError(f"{path}, line {number}: {error}") from error


def _parse(line: str) -> object:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise PromptError(f"not JSON: {error}") from error
    if not isinstance(value, dict):
        return value
    given = [key for key in ("messages", "prompt") if key in value]
    if len(given) != 1:
        raise PromptError('an object needs "messages" or "prompt"' + (", not both" if given else ""))
    beside = value.keys() - {*given, "metadata", "user"}
    if beside and (unsent := sorted(beside & _request_fields())):
        raise PromptError(
            f"{', '.join(unsent)} would not be sent: an audit asks every prompt in one way, by its options; leave it out"
        )
    return value[given[0]]


@functools.cache
def _request_fields() -> frozenset[str]:
    """What a chat request may hold, by the SDK that sends it."""
    from openai.types.chat.completion_create_params import CompletionCreateParamsBase

    return frozenset(CompletionCreateParamsBase.__annotations__) | {"top_k", "min_p", "chat_template_kwargs"}


def _check(value: object) -> Conversation:
    if isinstance(value, str):
        value = [{"role": "user", "content": value}]
    if not isinstance(value, list) or not value:
        raise PromptError(f"a conversation is a text or a list of messages, not {printable(repr(value))}")
    for number, message in enumerate(value, start=1):
        if not isinstance(message, dict) or not isinstance(message.get("role"), str):
            raise PromptError(f'message {number} is not an object with a "role"')
        _check_message(message, number)
    if all(message["role"] != "user" for message in value):
        raise PromptError("the conversation has no user message")
    if value[-1]["role"] != "user":
        raise PromptError(f"the last message must be the user's, not {value[-1]['role']!r}'s")
    return value


def _check_message(message: dict[str, object], number: int) -> None:
    content = message.get("content")
    if not isinstance(content, str) or not content.strip():
        raise PromptError(f'message {number} has no text as "content"')
    try:
        # Sorted as the digest of the prompts does it: keys of several types cannot be.
        json.dumps(message, sort_keys=True, allow_nan=False, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError as error:
        raise PromptError(f"message {number} holds half a surrogate pair, which cannot be sent") from error
    except (TypeError, ValueError, RecursionError) as error:  # NaN, an object of Python's, a list within itself
        raise PromptError(f"message {number} cannot be sent as JSON: {error}") from error
