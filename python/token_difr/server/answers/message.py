"""The message of a chat answer: thinking, content and tool calls, taken apart while the text grows."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from token_difr.server.answers.conversation import RenderedChat
from token_difr.server.answers.reasoning import ReasoningSplitter
from token_difr.server.answers.tool_calls import ToolCall, ToolCallCollector

__all__ = ["MessageReader", "joined"]


class MessageReader:
    """Makes deltas of a growing text. A whole message is made of the same deltas (:func:`joined`).

    Args:
        chat: Says how the prompt ends, and what may be called.
        single_call: Only the first call counts.
    """

    def __init__(self, chat: RenderedChat, *, single_call: bool) -> None:
        self._reasoning = ReasoningSplitter(opened=chat.thinking)
        self._calls = ToolCallCollector(chat.tool_names, begun=chat.begun_call, single=single_call)

    def push(self, text: str) -> dict[str, Any]:
        """What more text makes certain of the message; may be empty."""
        reasoning, content = self._reasoning.push(text)
        return _delta(reasoning, self._calls.push(content), [])

    def close(self) -> dict[str, Any]:
        """What was held back, and the calls, once no more text comes."""
        reasoning, content = self._reasoning.close()
        content = self._calls.push(content)
        rest, calls = self._calls.close()
        return _delta(reasoning, content + rest, calls)


def joined(deltas: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """The message of all its deltas; its content is null where there is only thinking or a call."""
    message: dict[str, Any] = {"role": "assistant", "content": "", "refusal": None}
    for delta in deltas:
        message["content"] += delta.get("content", "")
        if "reasoning_content" in delta:
            message["reasoning_content"] = message.get("reasoning_content", "") + delta["reasoning_content"]
        if "tool_calls" in delta:
            message["tool_calls"] = [
                {name: value for name, value in call.items() if name != "index"} for call in delta["tool_calls"]
            ]
    if not message["content"] and ("tool_calls" in message or "reasoning_content" in message):
        message["content"] = None
    return message


def _delta(reasoning: str, content: str, calls: list[ToolCall]) -> dict[str, Any]:
    delta: dict[str, Any] = {}
    if reasoning:
        delta["reasoning_content"] = reasoning
    if content:
        delta["content"] = content
    if calls:
        delta["tool_calls"] = [
            {
                "index": place,
                "id": f"call_{uuid.uuid4().hex[:24]}",
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for place, call in enumerate(calls)
        ]
    return delta
