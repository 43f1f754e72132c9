"""``POST /generate``, SGLang's native form."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import Response
from starlette.requests import Request

from token_difr.server.answers.generate import generate_answer
from token_difr.server.answers.requests.sglang import GenerateRequest
from token_difr.server.http.event_stream import STREAM_RESPONSES
from token_difr.server.http.json_bodies import JsonRoute
from token_difr.server.http.off_loop import off_loop
from token_difr.server.http.served_models import ServedModels

__all__ = ["generate_router"]


def generate_router(models: ServedModels) -> APIRouter:
    """The route."""
    router = APIRouter(route_class=JsonRoute)

    @router.post("/generate", responses=STREAM_RESPONSES)
    async def generate(body: GenerateRequest, request: Request) -> Response:
        """Continues prompts; with logprobs of the prompt from ``logprob_start_len`` on."""
        backend = models.pick(body, body.model)
        answer = await off_loop(generate_answer, body, backend.model)
        return await backend.respond(answer, request, stream=body.stream, ignored=body.ignored_fields)

    return router
