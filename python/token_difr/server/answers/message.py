"""The message of a chat answer: thinking, content and tool calls, taken apart while the text grows."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from typing import Any

from token_difr.server.answers.conversation import RenderedChat
from token_difr.server.answers.reasoning import ReasoningSplitter
from token_difr.server.answers.tool_call_collector import ToolCallCollector
from token_difr.server.answers.tool_calls import ToolCall

__all__ = ["MessageReader", "joined"]

Delta = dict[str, Any]
_PIECE = 48
"""Characters of a call's arguments in one delta."""


class MessageReader:
    """Makes deltas of a growing text. A whole message is made of the same deltas (:func:`joined`).

    Args:
        chat: Says how the prompt ends, and what may be called.
        single_call: Only the first call counts.
    """

    def __init__(self, chat: RenderedChat, *, single_call: bool) -> None:
        self._reasoning = ReasoningSplitter(opened=chat.thinking)
        schemas = {tool.name: tool.parameters for tool in chat.tools}
        self._collector = ToolCallCollector(schemas, begun=chat.begun_call, single=single_call)
        self._calls = 0

    @property
    def has_calls(self) -> bool:
        """Whether a call was made so far."""
        return self._calls > 0

    def push(self, text: str) -> Iterator[Delta]:
        """What more text makes certain of the message."""
        reasoning, content = self._reasoning.push(text)
        yield from self._deltas(reasoning, self._collector.push(content), self._collector.completed())

    def close(self) -> Iterator[Delta]:
        """What was held back, and the calls, once no more text comes."""
        reasoning, content = self._reasoning.close()
        content = self._collector.push(content)
        calls = self._collector.completed()
        rest, others = self._collector.close()
        yield from self._deltas(reasoning, content + rest, [*calls, *others])

    def _deltas(self, reasoning: str, content: str, calls: list[ToolCall]) -> Iterator[Delta]:
        delta: Delta = {}
        if reasoning:
            # vLLM's name since 0.12, and the one before it, which others still read.
            delta["reasoning"] = delta["reasoning_content"] = reasoning
        if content:
            delta["content"] = content
        if delta:
            yield delta
        for call in calls:
            yield from _call_deltas(call, self._calls)
            self._calls += 1


def joined(deltas: Iterable[Delta]) -> dict[str, Any]:
    """The message of all its deltas; its content is null where there is only thinking or a call."""
    message: dict[str, Any] = {"role": "assistant", "content": "", "refusal": None}
    for delta in deltas:
        message["content"] += delta.get("content", "")
        for name in delta.keys() & {"reasoning", "reasoning_content"}:
            message[name] = message.get(name, "") + delta[name]
        for piece in delta.get("tool_calls", ()):
            _join_call(message.setdefault("tool_calls", []), piece)
    if not message["content"] and ("tool_calls" in message or "reasoning_content" in message):
        message["content"] = None
    return message


def _join_call(calls: list[dict[str, Any]], piece: dict[str, Any]) -> None:
    if piece["index"] == len(calls):
        function = dict(piece["function"])
        calls.append({"id": piece["id"], "type": piece["type"], "function": function})
    else:
        calls[piece["index"]]["function"]["arguments"] += piece["function"]["arguments"]


def _call_deltas(call: ToolCall, index: int) -> Iterator[Delta]:
    """A call in pieces, as OpenAI streams it: its name first, then its arguments."""
    head = {"id": f"call_{uuid.uuid4().hex[:24]}", "type": "function"}
    yield {"tool_calls": [{"index": index, **head, "function": {"name": call.name, "arguments": ""}}]}
    for at in range(0, len(call.arguments), _PIECE):
        yield {"tool_calls": [{"index": index, "function": {"arguments": call.arguments[at : at + _PIECE]}}]}
