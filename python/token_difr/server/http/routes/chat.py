"""``POST /v1/chat/completions``."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Iterator
from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response
from starlette.requests import Request

from token_difr.server.answers.chat import ChatChoice
from token_difr.server.answers.conversation import render_chat
from token_difr.server.answers.dialects.vllm import prompt_logprobs
from token_difr.server.answers.requests.bodies import ChatRequest
from token_difr.server.answers.requests.refusals import refuse_unsupported
from token_difr.server.answers.requests.sampling import check_prompt, request_seed
from token_difr.server.answers.trace import is_traced, trace
from token_difr.server.answers.usage import usage
from token_difr.server.http.event_stream import STREAM_RESPONSES, event_stream
from token_difr.server.http.json_answer import JsonAnswer
from token_difr.server.http.json_requests import JsonRoute
from token_difr.server.service import ModelService

__all__ = ["chat_router"]


def chat_router(service: ModelService) -> APIRouter:
    """The route on this model."""
    router = APIRouter(route_class=JsonRoute)

    @router.post("/v1/chat/completions", responses=STREAM_RESPONSES)
    async def create_chat_completion(body: ChatRequest, request: Request) -> Response:
        """Answers a conversation, rendered by the model's own chat template."""
        service.check_model(body.model)
        refuse_unsupported(body)
        served = service.pick(body)
        answer = _Answer(body, served, traced=is_traced(request))
        if body.stream:
            return await event_stream(
                served,
                answer.generations,
                answer.notify,
                request,
                produce=answer.chunks,
                conclude=answer.concluding_chunks,
            )
        await served.complete(answer.generations, answer.notify, request)
        return JsonAnswer(answer.whole())

    return router


class _Answer:
    """One request's choices and the objects around them."""

    def __init__(self, body: ChatRequest, service: ModelService, *, traced: bool) -> None:
        self._body = body
        self._traced = traced
        self._service = service
        self._identity = {"id": f"chatcmpl-{uuid.uuid4().hex}", "created": int(time.time()), "model": service.name}
        self.notify = asyncio.Event()
        chat = render_chat(body, service)
        self._prompt = chat.token_ids
        limit = body.max_completion_tokens if body.max_completion_tokens is not None else body.max_tokens
        max_tokens = check_prompt(chat.token_ids, limit, service, default=None)
        seed = request_seed(body)
        self._choices = [
            ChatChoice(
                body, service, chat, index=index, max_tokens=max_tokens, seed=(seed + index) % 2**64, notify=self.notify
            )
            for index in range(body.n or 1)
        ]
        self.generations = [choice.generation for choice in self._choices]
        self._begun = False

    def whole(self) -> dict[str, Any]:
        """The answer of finished sequences."""
        answer: dict[str, Any] = {
            **self._identity,
            "object": "chat.completion",
            "choices": [choice.whole() for choice in self._choices],
            "usage": usage([self._prompt], self.generations),
        }
        if self._body.prompt_logprobs is not None:
            rows = self.generations[0].prompt_rows
            answer["prompt_logprobs"] = prompt_logprobs(rows, self._service.folder.tokenizer)
        if self._body.return_token_ids:
            answer["prompt_token_ids"] = self._prompt
        return answer | self._trace()

    def chunks(self) -> Iterator[dict[str, Any]]:
        """The events that are new."""
        for choice in self._choices:
            for chunk in choice.chunks():
                yield self._chunk([chunk], None)

    def concluding_chunks(self) -> Iterator[dict[str, Any]]:
        """The usage and the trace, where they were asked for."""
        if self._asks_for_usage() or self._traced:
            yield self._chunk([], usage([self._prompt], self.generations)) | self._trace()

    def _chunk(self, choices: list[dict[str, Any]], total: dict[str, Any] | None) -> dict[str, Any]:
        chunk: dict[str, Any] = {**self._identity, "object": "chat.completion.chunk", "choices": choices}
        if self._asks_for_usage():
            # OpenAI: every chunk but the last has usage null.
            chunk["usage"] = total
        if self._body.return_token_ids and not self._begun:
            chunk["prompt_token_ids"] = self._prompt
        self._begun = True
        return chunk

    def _trace(self) -> dict[str, Any]:
        return {"trace": trace(self.generations)} if self._traced else {}

    def _asks_for_usage(self) -> bool:
        return bool(self._body.stream_options and self._body.stream_options.include_usage)
