"""``GET /v1/models`` and ``GET /v1/models/{name}``."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from token_difr.server.answers.served_model import ServedModel

__all__ = ["models_router"]


def models_router(model: ServedModel, *, created: int, deviations: dict[str, Any]) -> APIRouter:
    """The routes: the model as an object of OpenAI's API, with its context and its deviations.

    Args:
        model: The one model of this server.
        created: When it was loaded, in seconds since 1970.
        deviations: Those that are switched on, by name.
    """
    router = APIRouter()
    description = {
        "id": model.name,
        "object": "model",
        "created": created,
        "owned_by": "token-difr",
        "max_model_len": model.limits.context_length,
        "deviations": deviations,
    }

    @router.get("/v1/models")
    async def list_models() -> dict[str, Any]:
        """The one model of this server."""
        return {"object": "list", "data": [description]}

    @router.get("/v1/models/{name:path}")
    async def get_model(name: str) -> dict[str, Any]:
        """The model, if it has this name."""
        model.check_name(name)
        return description

    return router
