"""``GET /v1/models`` and ``GET /v1/models/{name}``."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from token_difr.server.service import ModelService

__all__ = ["models_router"]


def models_router(service: ModelService) -> APIRouter:
    """The routes on this model."""
    router = APIRouter()

    @router.get("/v1/models")
    async def list_models() -> dict[str, Any]:
        """The one model of this server."""
        return {"object": "list", "data": [describe_model(service)]}

    @router.get("/v1/models/{name:path}")
    async def get_model(name: str) -> dict[str, Any]:
        """The model, if it has this name."""
        service.check_model(name)
        return describe_model(service)

    return router


def describe_model(service: ModelService) -> dict[str, Any]:
    """The model as an object of OpenAI's API, with its context and the deviations that are switched on."""
    return {
        "id": service.name,
        "object": "model",
        "created": service.created,
        "owned_by": "token-difr",
        "max_model_len": service.folder.context_length,
        "deviations": service.settings.deviations(),
    }
