"""Tool calls in an answer's text.

Three forms are read: Hermes (``<tool_call>{"name": ..., "arguments": {...}}</tool_call>``), Qwen's XML
(``<tool_call><function=NAME><parameter=KEY>value</parameter></function></tool_call>``, values kept as text) and plain
JSON objects. A call counts when its name was declared; what does not parse stays text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from token_difr.server.generation.text.stop import overlap

__all__ = ["CALL_OPEN", "ToolCall", "ToolCallCollector", "ToolCallText", "parse_tool_calls"]

CALL_OPEN = "<tool_call>"
_TAGGED = re.compile(r"<tool_call>(.*?)(?:</tool_call>|\Z)", re.DOTALL)
_FUNCTION = re.compile(r"\s*<function=([^>\s]+)>(.*?)(?:</function>\s*|\Z)", re.DOTALL)
_PARAMETER = re.compile(r"<parameter=([^>\s]+)>\n?(.*?)\n?</parameter>", re.DOTALL)


@dataclass(frozen=True)
class ToolCall:
    """One call.

    Attributes:
        name: The function's name.
        arguments: JSON text of an object, as OpenAI gives it.
    """

    name: str
    arguments: str


class ToolCallText(NamedTuple):
    """A text taken apart: what is not a call, and the calls in order."""

    content: str
    calls: list[ToolCall]


def parse_tool_calls(text: str, names: Collection[str]) -> ToolCallText:
    """The calls of declared functions, and the text around them; the whole text where there is no call."""
    spans = list(_tagged_calls(text, names)) or list(_plain_calls(text, names))
    if not spans:
        return ToolCallText(text, [])
    rest, at = [], 0
    for start, end, _ in spans:
        rest.append(text[at:start])
        at = end
    content = "".join([*rest, text[at:]])
    return ToolCallText(content if content.strip() else "", [call for _, _, call in spans])


Span = tuple[int, int, ToolCall]


def _tagged_calls(text: str, names: Collection[str]) -> Iterator[Span]:
    for match in _TAGGED.finditer(text):
        call = _qwen_call(match[1]) or next((call for _, _, call in _plain_calls(match[1], names)), None)
        if call is not None and call.name in names:
            yield match.start(), match.end(), call


def _qwen_call(text: str) -> ToolCall | None:
    function = _FUNCTION.fullmatch(text)
    if function is None:
        return None
    return ToolCall(function[1], json.dumps(dict(_PARAMETER.findall(function[2])), ensure_ascii=False))


def _plain_calls(text: str, names: Collection[str]) -> Iterator[Span]:
    """JSON objects that are calls, wherever they stand."""
    decoder, at = json.JSONDecoder(), text.find("{")
    while at >= 0:
        try:
            value, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            value, end = None, at + 1
        call = _json_call(value)
        if call is not None and call.name in names:
            yield at, end, call
        at = text.find("{", end)


def _json_call(value: Any) -> ToolCall | None:
    if not isinstance(value, dict) or not isinstance(value.get("name"), str):
        return None
    arguments = value.get("arguments", value.get("parameters"))
    if isinstance(arguments, str):
        return ToolCall(value["name"], arguments)
    return ToolCall(value["name"], json.dumps(arguments, ensure_ascii=False)) if isinstance(arguments, dict) else None


class ToolCallCollector:
    """Releases text up to what may be a call and holds the rest until the end.

    Args:
        names: Declared functions; empty = everything is text.
        begun: The start of a call that the prompt ends with already.
        single: Only the first call counts.
    """

    def __init__(self, names: Collection[str], *, begun: str = "", single: bool = False) -> None:
        self._names = names
        self._held = begun
        self._single = single

    def push(self, text: str) -> str:
        """The text that is certainly none of a call."""
        self._held += text
        cut = len(self._held)
        if self._names:
            starts = [self._held.find(CALL_OPEN), self._held.find("{")]
            cut = min((at for at in starts if at >= 0), default=cut - overlap(self._held, CALL_OPEN))
            # White space waits with what follows it: a call has no content beside it.
            cut = len(self._held[:cut].rstrip())
        released, self._held = self._held[:cut], self._held[cut:]
        return released

    def close(self) -> ToolCallText:
        """The text that was held back and the calls in it."""
        held, self._held = self._held, ""
        if not self._names:
            return ToolCallText(held, [])
        parsed = parse_tool_calls(held, self._names)
        return ToolCallText(parsed.content, parsed.calls[:1] if self._single else parsed.calls)
