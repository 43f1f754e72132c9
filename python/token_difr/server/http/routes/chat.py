"""``POST /v1/chat/completions``."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import Response
from starlette.requests import Request

from token_difr.server.answers.chat import chat_answer
from token_difr.server.answers.requests.bodies import ChatRequest
from token_difr.server.http.backend import is_traced
from token_difr.server.http.event_stream import STREAM_RESPONSES
from token_difr.server.http.json_bodies import JsonRoute
from token_difr.server.http.off_loop import off_loop
from token_difr.server.http.served_models import ServedModels

__all__ = ["chat_router"]


def chat_router(models: ServedModels) -> APIRouter:
    """The route."""
    router = APIRouter(route_class=JsonRoute)

    @router.post("/v1/chat/completions", responses=STREAM_RESPONSES)
    async def create_chat_completion(body: ChatRequest, request: Request) -> Response:
        """Answers a conversation, rendered by the model's own chat template."""
        backend = models.pick(body, body.model)
        answer = await off_loop(chat_answer, body, backend.model, traced=is_traced(request))
        return await backend.respond(answer, request, stream=body.stream, ignored=body.ignored_fields)

    return router
