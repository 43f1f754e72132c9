"""The HTTP application over one or more served models."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI

import token_difr
from token_difr.server.http.access_log import AccessLog
from token_difr.server.http.errors import ERROR_RESPONSES, add_error_handlers
from token_difr.server.http.guard import ApiKeyGuard, BodyLimit, FaultInjector
from token_difr.server.http.metrics import ServerMetrics
from token_difr.server.http.off_loop import off_loop
from token_difr.server.http.request_id import RequestId
from token_difr.server.http.routes.chat import chat_router
from token_difr.server.http.routes.completions import completions_router
from token_difr.server.http.routes.generate import generate_router
from token_difr.server.http.routes.health import health_router
from token_difr.server.http.routes.models import models_router
from token_difr.server.http.routes.tokenization import tokenization_router
from token_difr.server.http.served_models import ServedModels
from token_difr.server.service import ModelService
from token_difr.server.settings import ServerSettings

__all__ = ["create_app"]


_LAST_PASS_SECONDS = 1.0
"""How long the end of the server waits for the pass that the model is in."""


def create_app(*services: ModelService) -> FastAPI:
    """The application; its lifespan starts and stops the schedulers.

    Args:
        services: The loaded models, at least one; the first answers requests that name none. What is asked of the server
            as a whole (key, sizes, faults) is what the first one's settings say.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        for service in services:
            service.start()
        try:
            yield
        finally:
            # Requests have ended before: what is left belongs to clients that are gone.
            for service in services:
                await off_loop(service.abandon, patience=_LAST_PASS_SECONDS)

    app = FastAPI(title="token-difr reference server", version=token_difr.__version__, lifespan=lifespan)
    schedulers = [scheduler for service in services for scheduler in service.schedulers]
    metrics = ServerMetrics(schedulers)
    models = ServedModels([service.offer(metrics) for service in services])
    routers = (
        health_router(schedulers, metrics),
        models_router(models),
        completions_router(models),
        chat_router(models),
        tokenization_router(models),
        generate_router(models),
    )
    for router in routers:
        app.include_router(router, responses=ERROR_RESPONSES)
    _describe(app)
    add_error_handlers(app)
    _add_guards(app, services[0].settings, metrics)
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


def _add_guards(app: FastAPI, settings: ServerSettings, metrics: ServerMetrics) -> None:
    """The last one added is the first to see a request."""
    app.add_middleware(BodyLimit, largest=settings.max_body_bytes)
    if settings.faults:
        app.add_middleware(FaultInjector, rate=settings.faults)
    if settings.api_key is not None:
        app.add_middleware(ApiKeyGuard, api_key=settings.api_key)
    app.add_middleware(AccessLog, metrics=metrics)
    app.add_middleware(RequestId)
