"""One choice of a chat completion."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator
from typing import Any

from token_difr.server.answers.conversation import RenderedChat
from token_difr.server.answers.dialects.content import ContentLogprobs
from token_difr.server.answers.reasoning import ReasoningSplitter
from token_difr.server.answers.requests.bodies import ChatRequest
from token_difr.server.answers.requests.sampling import make_spec, output_text
from token_difr.server.answers.tool_calls import ToolCall, ToolCallCollector
from token_difr.server.generation.output_cursor import OutputCursor, OutputDelta
from token_difr.server.service import ModelService

__all__ = ["ChatChoice"]


class ChatChoice:
    """A sequence and the message that is made of it, whole or in deltas. Both come from the same pieces."""

    def __init__(
        self,
        body: ChatRequest,
        service: ModelService,
        chat: RenderedChat,
        *,
        index: int,
        max_tokens: int,
        seed: int,
        notify: asyncio.Event,
    ) -> None:
        self._body = body
        self._index = index
        self._seed = seed
        tokenizer = service.folder.tokenizer
        top = (body.top_logprobs or 0) if body.logprobs else None
        spec = make_spec(
            body,
            service,
            prompt=chat.token_ids,
            max_tokens=max_tokens,
            seed=seed,
            logprobs=top,
            prompt_logprobs=body.prompt_logprobs if index == 0 else None,
        )
        self.generation = service.generation(spec, text=output_text(body, service), notify=notify)
        self._cursor = OutputCursor(self.generation, tokenizer, skip_special_tokens=body.skip_special_tokens)
        self._reasoning = ReasoningSplitter(opened=chat.thinking)
        single = body.parallel_tool_calls is False
        self._calls = ToolCallCollector(chat.tool_names, begun=chat.begun_call, single=single)
        as_ids = bool(body.return_tokens_as_token_ids)
        self._writer = None if top is None else ContentLogprobs(tokenizer, k=top, as_token_ids=as_ids)
        self._token_ids: list[int] = []
        self._begun = False

    def whole(self) -> dict[str, Any]:
        """The choice of a finished sequence that was never read."""
        message: dict[str, Any] = {"role": "assistant", "content": "", "refusal": None}
        reason = None
        for delta, finished in self._deltas():
            message["content"] += delta.get("content", "")
            if "reasoning_content" in delta:
                message["reasoning_content"] = message.get("reasoning_content", "") + delta["reasoning_content"]
            if "tool_calls" in delta:
                message["tool_calls"] = [_without_index(call) for call in delta["tool_calls"]]
            reason = finished or reason
        if not message["content"] and ("tool_calls" in message or "reasoning_content" in message):
            message["content"] = None
        return self._choice("message", message, reason)

    def chunks(self) -> Iterator[dict[str, Any]]:
        """What is new, as choices of chunks."""
        for delta, finished in self._deltas():
            if not self._begun:
                self._begun = True
                yield {"index": self._index, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}
            if delta:
                yield self._choice("delta", delta, None)
            if finished:
                yield self._choice("delta", {}, finished)

    def _deltas(self) -> Iterator[tuple[dict[str, Any], str | None]]:
        """What is new of the message, and the finish reason at its end."""
        taken = self._cursor.take()
        if taken is None:
            return
        self._collect(taken)
        reasoning, content = self._reasoning.push(taken.text)
        content = self._calls.push(content)
        yield _delta(reasoning, content, []), None
        if taken.finish_reason is None:
            return
        reasoning, content = self._reasoning.close()
        content = self._calls.push(content)
        rest, calls = self._calls.close()
        yield _delta(reasoning, content + rest, calls), "tool_calls" if calls else taken.finish_reason

    def _collect(self, taken: OutputDelta) -> None:
        self._token_ids += taken.token_ids
        if self._writer is not None and taken.rows is not None:
            self._writer.add_output(taken.rows, ())

    def _choice(self, part: str, content: dict[str, Any], reason: str | None) -> dict[str, Any]:
        """The choice's object; it carries the tokens of all text since the last one."""
        generation = self.generation
        choice: dict[str, Any] = {
            "index": self._index,
            part: content,
            "logprobs": None if self._writer is None else self._writer.take(),
            "finish_reason": reason,
            "stop_reason": generation.text.stopped_by if reason and generation.text is not None else None,
            "seed": self._seed,
        }
        if self._body.return_token_ids:
            choice["token_ids"], self._token_ids = self._token_ids, []
        return choice


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


def _without_index(call: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in call.items() if name != "index"}
