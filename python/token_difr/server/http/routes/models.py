"""``GET /v1/models`` and ``GET /v1/models/{name}``."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from token_difr.server.http.served_models import ServedModels

__all__ = ["models_router"]


def models_router(models: ServedModels) -> APIRouter:
    """The routes."""
    router = APIRouter()

    @router.get("/v1/models")
    async def list_models() -> dict[str, Any]:
        """All models of this server."""
        return {"object": "list", "data": models.descriptions()}

    @router.get("/v1/models/{name:path}")
    async def get_model(name: str) -> dict[str, Any]:
        """The model with this name."""
        return models.named(name).description()

    return router
