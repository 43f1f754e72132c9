"""``POST /v1/completions``."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Iterator
from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response
from starlette.requests import Request

from token_difr.server.answers.completions import CompletionChoice, Prompt
from token_difr.server.answers.requests.bodies import CompletionRequest
from token_difr.server.answers.requests.refusals import refuse_unsupported
from token_difr.server.answers.requests.sampling import request_seed
from token_difr.server.answers.trace import is_traced, trace
from token_difr.server.answers.usage import usage
from token_difr.server.http.event_stream import STREAM_RESPONSES, event_stream
from token_difr.server.http.json_answer import JsonAnswer
from token_difr.server.http.json_requests import JsonRoute
from token_difr.server.service import ModelService

__all__ = ["completions_router"]


def completions_router(service: ModelService) -> APIRouter:
    """The route on this model."""
    router = APIRouter(route_class=JsonRoute)

    @router.post("/v1/completions", responses=STREAM_RESPONSES)
    async def create_completion(body: CompletionRequest, request: Request) -> Response:
        """Continues a prompt, given as text or as token ids; ``max_tokens: 0`` only scores it."""
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
    """One request's choices, prompt by prompt, and the objects around them."""

    def __init__(self, body: CompletionRequest, service: ModelService, *, traced: bool) -> None:
        self._body = body
        self._traced = traced
        self._head = {
            "id": f"cmpl-{uuid.uuid4().hex}",
            "object": "text_completion",
            "created": int(time.time()),
            "model": service.name,
        }
        self.notify = asyncio.Event()
        self._prompts = Prompt.all_of(body, service)
        seed, n = request_seed(body), body.n or 1
        self._choices = [
            CompletionChoice(
                body, service, prompt, index=at * n + place, seed=(seed + place) % 2**64, notify=self.notify
            )
            for at, prompt in enumerate(self._prompts)
            for place in range(n)
        ]
        self.generations = [choice.generation for choice in self._choices]

    def whole(self) -> dict[str, Any]:
        """The answer of finished sequences."""
        choices = [choice.take() for choice in self._choices]
        return {**self._head, "choices": choices, "usage": self._usage(), **self._trace()}

    def chunks(self) -> Iterator[dict[str, Any]]:
        """The events that are new."""
        # OpenAI: with include_usage every chunk but the last has usage null.
        extra = {"usage": None} if self._asks_for_usage() else {}
        for choice in self._choices:
            taken = choice.take()
            if taken is not None:
                yield {**self._head, "choices": [taken], **extra}

    def concluding_chunks(self) -> Iterator[dict[str, Any]]:
        """The usage and the trace, where they were asked for."""
        if self._asks_for_usage() or self._traced:
            total = {"usage": self._usage()} if self._asks_for_usage() else {}
            yield {**self._head, "choices": [], **total, **self._trace()}

    def _trace(self) -> dict[str, Any]:
        return {"trace": trace(self.generations)} if self._traced else {}

    def _asks_for_usage(self) -> bool:
        return bool(self._body.stream_options and self._body.stream_options.include_usage)

    def _usage(self) -> dict[str, Any]:
        return usage((prompt.token_ids for prompt in self._prompts), self.generations)
