"""Answers that call tools, as the model wrote them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from token_difr.errors import InputError
from token_difr.records import Conversation, Response
from token_difr.sequences.rendering import Tokenizer, rendered_text

__all__ = ["calls_tools", "tool_call_text"]


def calls_tools(response: Response) -> bool:
    """Whether an answer holds tool calls."""
    return bool(_message(response).get("tool_calls"))


def tool_call_text(
    prompt: Conversation,
    response: Response,
    tokenizer: Tokenizer,
    chat_template_kwargs: Mapping[str, Any] | None = None,
) -> str:
    """The output with its tool calls as the chat template writes them, its end token included.

    Raises:
        InputError: The template refuses the calls, or does not write them.
    """
    given = _message(response)
    message = {
        **given,
        "role": "assistant",
        "content": response.content,
        "tool_calls": [_parsed(call) for call in given["tool_calls"]],
    }
    if response.reasoning:
        message |= dict.fromkeys(("reasoning", "reasoning_content", "thinking"), response.reasoning)
    header = rendered_text(prompt, tokenizer, add_generation_prompt=True, variables=chat_template_kwargs)
    whole = rendered_text([*prompt, message], tokenizer, add_generation_prompt=False, variables=chat_template_kwargs)
    names = [name for call in message["tool_calls"] if isinstance(name := _function_name(call), str)]
    if not names or not whole.startswith(header) or not all(name in whole[len(header) :] for name in names):
        raise InputError("the chat template does not write tool calls where the model did")
    return whole[len(header) :].rstrip("\n")


def _message(response: Response) -> dict[str, Any]:
    message = response.choice.get("message")
    return message if isinstance(message, dict) else {}


def _parsed(call: object) -> object:
    """A call whose arguments, JSON text in an answer, are the object that templates write."""
    function = call.get("function") if isinstance(call, dict) else None
    arguments = function.get("arguments") if isinstance(function, dict) else None
    if not isinstance(call, dict) or not isinstance(function, dict) or not isinstance(arguments, str):
        return call
    try:
        return {**call, "function": {**function, "arguments": json.loads(arguments or "{}")}}
    except ValueError as error:
        raise InputError(f"a tool call has arguments that are not JSON: {error}") from error


def _function_name(call: object) -> object:
    function = call.get("function") if isinstance(call, dict) else None
    return function.get("name") if isinstance(function, dict) else None
