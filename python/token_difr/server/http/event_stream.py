"""Answers as server-sent events: ``data: {json}`` each, ``data: [DONE]`` at the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import aclosing
from typing import Any

from fastapi.responses import StreamingResponse
from starlette.requests import ClientDisconnect, Request

from token_difr.server.generation import Generation
from token_difr.server.http.errors import ApiError
from token_difr.server.http.json_answer import encode
from token_difr.server.service import Change, ModelService, raise_failure

__all__ = ["STREAM_RESPONSES", "event_stream"]

STREAM_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The whole answer, or with stream: true its pieces as server-sent events.",
        "content": {"application/json": {"schema": {}}, "text/event-stream": {"schema": {}}},
    }
}
"""For the API's description of routes that can stream."""

_DONE = b"data: [DONE]\n\n"
_KEEP_ALIVE = b": keep-alive\n\n"
_HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}


async def event_stream(
    service: ModelService,
    generations: Sequence[Generation],
    notify: asyncio.Event,
    request: Request,
    *,
    produce: Callable[[], Iterable[dict[str, Any]]],
    conclude: Callable[[], Iterable[dict[str, Any]]],
) -> StreamingResponse:
    """Submits sequences and streams what they become.

    A full queue is an error before the stream starts; a failure in mid-stream is an event with ``error``, then the end.

    Args:
        service: The model.
        generations: The request's sequences, not yet submitted.
        notify: Set whenever one of them changes.
        request: Tells when the client leaves.
        produce: Gives the events that are new.
        conclude: Gives the events after the last token.
    """
    await service.submit(generations)

    async def events() -> AsyncIterator[bytes]:
        try:
            async with aclosing(service.follow(generations, notify, request)) as changes:
                async for change in changes:
                    if change is Change.SILENCE:
                        yield _KEEP_ALIVE
                    for event in produce():
                        yield _encoded(event)
            raise_failure(generations)
            for event in conclude():
                yield _encoded(event)
        except ApiError as error:
            yield _encoded(error.body)
        except ClientDisconnect:
            return
        yield _DONE

    return StreamingResponse(events(), media_type="text/event-stream", headers=_HEADERS)


def _encoded(event: dict[str, Any]) -> bytes:
    return b"data: " + encode(event) + b"\n\n"
