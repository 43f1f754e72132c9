"""The HTTP application over one served model."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

import token_difr
from token_difr.server.http.access_log import AccessLog
from token_difr.server.http.errors import ERROR_RESPONSES, ApiError, validation_error
from token_difr.server.http.guard import ApiKeyGuard, BodyLimit, FaultInjector
from token_difr.server.http.json_answer import JsonAnswer
from token_difr.server.http.routes.chat import chat_router
from token_difr.server.http.routes.completions import completions_router
from token_difr.server.http.routes.generate import generate_router
from token_difr.server.http.routes.health import health_router
from token_difr.server.http.routes.models import models_router
from token_difr.server.http.routes.tokenization import tokenization_router
from token_difr.server.service import ModelService

__all__ = ["create_app"]

_logger = logging.getLogger("token_difr.server")


def create_app(service: ModelService) -> FastAPI:
    """The application; its lifespan starts and stops the scheduler.

    Args:
        service: The loaded model.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        service.start()
        try:
            yield
        finally:
            service.stop()

    app = FastAPI(title="token-difr reference server", version=token_difr.__version__, lifespan=lifespan)
    routers = (
        health_router(service),
        models_router(service),
        completions_router(service),
        chat_router(service),
        tokenization_router(service),
        generate_router(service),
    )
    for router in routers:
        app.include_router(router, responses=ERROR_RESPONSES)
    _describe(app)
    _add_error_handlers(app)
    _add_guards(app, service)
    return app


def _describe(app: FastAPI) -> None:
    """The published description without FastAPI's own 422: bodies that are wrong are answered with 400."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        description = generate()
        for path in description["paths"].values():
            for operation in path.values():
                operation["responses"].pop("422", None)
        for name in ("HTTPValidationError", "ValidationError"):
            description["components"]["schemas"].pop(name, None)
        return description

    # FastAPI's documented way to change the description.
    app.openapi = openapi  # type: ignore[method-assign]


def _add_guards(app: FastAPI, service: ModelService) -> None:
    """The last one added is the first to see a request."""
    settings = service.settings
    app.add_middleware(BodyLimit, largest=settings.max_body_bytes)
    if settings.faults:
        app.add_middleware(FaultInjector, rate=settings.faults)
    if settings.api_key is not None:
        app.add_middleware(ApiKeyGuard, api_key=settings.api_key)
    app.add_middleware(AccessLog, metrics=service.metrics)


def _add_error_handlers(app: FastAPI) -> None:
    @app.exception_handler(ApiError)
    async def api_error(_: Request, error: ApiError) -> JsonAnswer:
        if error.status >= 500:
            _logger.error("%s", error, exc_info=error.__cause__)
        return error.response()

    @app.exception_handler(ClientDisconnect)
    async def client_left(_: Request, __: ClientDisconnect) -> Response:
        # Nobody reads this; the status (nginx's own) is for the log.
        return Response(status_code=499)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> JsonAnswer:
        return validation_error(error.errors()).response()

    @app.exception_handler(HTTPException)
    async def http_error(request: Request, error: HTTPException) -> JsonAnswer:
        code = {404: "not_found", 405: "method_not_allowed", 413: "body_too_large"}.get(error.status_code)
        message = f"{error.detail}: {request.method} {request.url.path[:200]}"
        return ApiError(error.status_code, message, code=code, headers=error.headers).response()

    @app.exception_handler(Exception)
    async def fault(_: Request, error: Exception) -> JsonAnswer:
        _logger.error("a request failed", exc_info=error)
        return ApiError(500, "The server failed; its log says why.", code="internal_error").response()
