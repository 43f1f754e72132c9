"""Tool calls while the text grows: text goes out as soon as it is certainly none, a call as soon as it is complete."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from token_difr.server.answers.tool_calls import CALL_OPEN, ToolCall, ToolCallText, parse_tool_calls, tagged_call
from token_difr.server.generation.text.stop import overlap

__all__ = ["ToolCallCollector"]

_MAY_BEGIN = re.compile(r"<tool_call>|```\w*\s*(?:\Z|(?=[{\[]))|\{(?=\s*(?:\"|\Z))|\[(?=\s*(?:\{|\Z))")
_FENCE = re.compile(r"`{1,2}\Z")


class ToolCallCollector:
    """Releases text up to what may be a call, and tagged calls when their tag closes; holds the rest until the end.

    Args:
        tools: Declared functions, with the schemas of their arguments if they have any; empty = everything is text.
        begun: The start of a call that the prompt ends with already.
        single: Only the first call counts.
    """

    def __init__(
        self, tools: Mapping[str, Mapping[str, Any] | None] | Collection[str], *, begun: str = "", single: bool = False
    ) -> None:
        self._tools = tools if isinstance(tools, Mapping) else dict.fromkeys(tools)
        self._held = begun
        self._given = len(begun)
        self._single = single
        self._complete: list[ToolCall] = []
        self._any = False

    def push(self, text: str) -> str:
        """The text that is certainly none of a call."""
        self._held += text
        if not self._tools:
            released, self._held = self._held, ""
            return released
        released = self._release()
        while (span := self._complete_call()) is not None:
            self._held, self._given = self._held[span[0] :], 0
            self._take(span[1])
            released += self._release()
        return released

    def completed(self) -> list[ToolCall]:
        """The calls that have become complete since the last time."""
        calls, self._complete = self._complete, []
        return calls

    def close(self) -> ToolCallText:
        """The text that was held back and the calls in it."""
        held, self._held = self._held, ""
        if not self._tools:
            return ToolCallText(held, [])
        had_calls = self._any
        parsed = parse_tool_calls(held, self._tools, given=self._given)
        self._take(parsed.calls)
        blank = had_calls and not parsed.content.strip()
        return ToolCallText("" if blank else parsed.content, self.completed())

    def _release(self) -> str:
        begin = _MAY_BEGIN.search(self._held)
        cut = self._certain_end() if begin is None else begin.start()
        # White space waits with what follows it: a call has no content beside it.
        cut = len(self._held[:cut].rstrip())
        released, self._held = self._held[:cut], self._held[cut:]
        return released

    def _certain_end(self) -> int:
        """Where the text ends that no longer can be the start of a call."""
        fence = _FENCE.search(self._held)
        return min(
            len(self._held) - overlap(self._held, CALL_OPEN), len(self._held) if fence is None else fence.start()
        )

    def _complete_call(self) -> tuple[int, list[ToolCall]] | None:
        start = len(self._held) - len(self._held.lstrip())
        if not self._held.startswith(CALL_OPEN, start) or "</tool_call>" not in self._held:
            return None
        span = tagged_call(self._held, start, self._tools, closed=True)
        return None if span is None else (span.end, span.calls)

    def _take(self, calls: list[ToolCall]) -> None:
        wanted = calls[: 0 if self._any else 1] if self._single else calls
        self._complete += wanted
        self._any = self._any or bool(calls)
