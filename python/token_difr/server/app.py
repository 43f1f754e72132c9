"""The HTTP application over one served model."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI

import token_difr
from token_difr.server.http.access_log import AccessLog
from token_difr.server.http.errors import ERROR_RESPONSES, add_error_handlers
from token_difr.server.http.guard import ApiKeyGuard, BodyLimit, FaultInjector
from token_difr.server.http.routes.chat import chat_router
from token_difr.server.http.routes.completions import completions_router
from token_difr.server.http.routes.generate import generate_router
from token_difr.server.http.routes.health import health_router
from token_difr.server.http.routes.models import models_router
from token_difr.server.http.routes.tokenization import tokenization_router
from token_difr.server.service import ModelService

__all__ = ["create_app"]


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
    model, backends = service.served_model(), service.backends()
    routers = (
        health_router(service.scheduler, service.metrics),
        models_router(model, created=service.created, deviations=service.settings.deviations()),
        completions_router(backends),
        chat_router(backends),
        tokenization_router(model),
        generate_router(backends),
    )
    for router in routers:
        app.include_router(router, responses=ERROR_RESPONSES)
    _describe(app)
    add_error_handlers(app)
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
