"""The model's own chat template: messages to the text of a prompt.

Rendered in Jinja's sandbox with the settings that Hugging Face's templates are written for, so that the text equals
that of ``apply_chat_template``. A template that fails is an error, never replaced by another.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import TemplateError

from token_difr.errors import InputError, PromptError
from token_difr.records import Message
from token_difr.sequences.template_limits import (
    RENDER_SECONDS,
    TEMPLATE_FAULTS,
    TemplateLimitError,
    bounded_rendering,
)
from token_difr.server.model.template_environment import LARGEST, compile_template

__all__ = ["ChatTemplate"]

_CONTINUE_MARK = "CONTINUE-THE-FINAL-MESSAGE-HERE "
"""Ends in a space, as Hugging Face's does: a template that trims contents shows itself by it."""


class ChatTemplate:
    """A compiled chat template.

    Args:
        source: The template in Jinja's language.
        special_tokens: What the template sees as ``bos_token``, ``eos_token`` and the like.

    Raises:
        InputError: The source is not a template.
    """

    def __init__(self, source: str, special_tokens: Mapping[str, str] | None = None) -> None:
        self._special_tokens = dict(special_tokens or {})
        self.source = source
        self.takes_tools = "tools" in source
        try:
            self._template = compile_template(source)
        except TemplateError as error:
            raise InputError(f"the chat template is not valid: {error}") from error

    @classmethod
    def from_folder(cls, folder: Path) -> ChatTemplate | None:
        """The template of a model's folder: ``chat_template.jinja``, or the one in ``tokenizer_config.json``."""
        config, template_file = _tokenizer_config(folder), folder / "chat_template.jinja"
        source = template_file.read_text(encoding="utf-8") if template_file.is_file() else config.get("chat_template")
        if isinstance(source, list):
            # Several named templates: the default one is the chat's.
            source = next((entry["template"] for entry in source if entry.get("name") == "default"), None)
        return cls(source, _special_tokens(config)) if source is not None else None

    @classmethod
    def for_folder(cls, folder: Path, source: str) -> ChatTemplate:
        """Another template with the special tokens of a model's folder."""
        return cls(source, _special_tokens(_tokenizer_config(folder)))

    def render(
        self,
        messages: Sequence[Message],
        *,
        tools: Sequence[Mapping[str, Any]] | None = None,
        add_generation_prompt: bool = True,
        continue_final_message: bool = False,
        variables: Mapping[str, Any] | None = None,
    ) -> str:
        """The prompt's text.

        Args:
            messages: In order; plain JSON values.
            tools: Descriptions of functions, in OpenAI's form.
            add_generation_prompt: Open the assistant's turn at the end.
            continue_final_message: Leave the last message open instead, so that the model continues it.
            variables: More names for the template, such as ``enable_thinking``.

        Raises:
            PromptError: A variable has the name of an argument; the template refuses these messages, takes too long or
                makes too much of them, or loses the one that is to be continued.
        """
        shown = [dict(message) for message in messages]
        if continue_final_message:
            shown[-1]["content"] = _text_of(shown[-1]) + _CONTINUE_MARK
        given = {
            "messages": shown,
            "tools": tools,
            "documents": None,
            "add_generation_prompt": add_generation_prompt and not continue_final_message,
        }
        taken = sorted(given.keys() & (variables or {}).keys())
        if taken:
            raise PromptError(
                f"chat_template_kwargs holds {taken[0]!r}, which the request itself gives to the template"
            )
        try:
            with bounded_rendering(RENDER_SECONDS):
                text = self._text({**self._special_tokens, **(variables or {}), **given})
        except (TemplateError, *TEMPLATE_FAULTS) as error:
            # A template is a program of the model's author: whatever it trips over is a fault of these messages.
            raise PromptError(f"the model's chat template refuses these messages: {error}") from error
        return _cut_at_mark(text) if continue_final_message else text

    def _text(self, names: Mapping[str, Any]) -> str:
        pieces: list[str] = []
        size = 0
        for piece in self._template.generate(names):
            pieces.append(piece)
            size += len(piece)
            if size > LARGEST:
                raise TemplateLimitError(f"it writes more than {LARGEST} characters")
        return "".join(pieces)


def _tokenizer_config(folder: Path) -> dict[str, Any]:
    file = folder / "tokenizer_config.json"
    config: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    return config


def _text_of(message: Mapping[str, Any]) -> str:
    content = message.get("content")
    if not isinstance(content, str):
        raise PromptError("continue_final_message needs a final message whose content is text")
    return content


def _cut_at_mark(text: str) -> str:
    at = text.rfind(_CONTINUE_MARK.rstrip())
    if at < 0:
        raise PromptError("the model's chat template drops the final message: it cannot be continued")
    is_whole = text.startswith(_CONTINUE_MARK, at)
    return text[:at] if is_whole else text[:at].rstrip()  # a template that trims would have trimmed the message too


def _special_tokens(config: Mapping[str, Any]) -> dict[str, str]:
    """The special tokens by name; an entry is a string or an object with ``content``."""
    tokens = {}
    for name in ("bos_token", "eos_token", "pad_token", "unk_token"):
        entry = config.get(name)
        content = entry.get("content") if isinstance(entry, dict) else entry
        if isinstance(content, str):
            tokens[name] = content
    return tokens
