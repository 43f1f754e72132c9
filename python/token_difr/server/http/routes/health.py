"""``GET /health``, ``/health/live``, ``/health/ready`` and ``/metrics``."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST

from token_difr.server.answers.requests.error import ApiError
from token_difr.server.generation import Scheduler
from token_difr.server.http.metrics import ServerMetrics

__all__ = ["health_router"]


def health_router(schedulers: Sequence[Scheduler], server_metrics: ServerMetrics) -> APIRouter:
    """The routes; ready while all schedulers take work."""
    router = APIRouter()

    @router.head("/health", include_in_schema=False)
    @router.get("/health")
    async def health() -> dict[str, str]:
        """The server answers."""
        return {"status": "ok"}

    @router.head("/health/live", include_in_schema=False)
    @router.get("/health/live")
    async def live() -> dict[str, str]:
        """The process runs."""
        return {"status": "ok"}

    @router.head("/health/ready", include_in_schema=False)
    @router.get("/health/ready")
    async def ready() -> dict[str, str]:
        """Requests are taken; 503 before that and while the server shuts down."""
        if not all(scheduler.accepting for scheduler in schedulers):
            raise ApiError(503, "The server is not ready.", code="not_ready", headers={"Retry-After": "1"})
        return {"status": "ok"}

    @router.get("/metrics", response_class=PlainTextResponse)
    async def metrics() -> Response:
        """Numbers in Prometheus' text format."""
        return Response(server_metrics.text(), media_type=CONTENT_TYPE_LATEST)

    return router
