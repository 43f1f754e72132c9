"""``POST /v1/completions``."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import Response
from starlette.requests import Request

from token_difr.server.answers.completions import completion_answer
from token_difr.server.answers.requests.bodies import CompletionRequest
from token_difr.server.http.backend import is_traced
from token_difr.server.http.event_stream import STREAM_RESPONSES
from token_difr.server.http.json_bodies import JsonRoute
from token_difr.server.http.off_loop import off_loop
from token_difr.server.http.served_models import ServedModels

__all__ = ["completions_router"]


def completions_router(models: ServedModels) -> APIRouter:
    """The route."""
    router = APIRouter(route_class=JsonRoute)

    @router.post("/v1/completions", responses=STREAM_RESPONSES)
    async def create_completion(body: CompletionRequest, request: Request) -> Response:
        """Continues a prompt, given as text or as token ids; ``max_tokens: 0`` only scores it."""
        backend = models.pick(body, body.model)
        answer = await off_loop(completion_answer, body, backend.model, traced=is_traced(request))
        return await backend.respond(answer, request, stream=body.stream, ignored=body.ignored_fields)

    return router
