"""Answers as server-sent events: ``data: {json}`` each, ``data: [DONE]`` at the end."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import aclosing
from enum import Enum
from typing import Any

from fastapi.responses import StreamingResponse
from starlette.requests import ClientDisconnect

from token_difr.server.answers.answer import Answer
from token_difr.server.answers.requests.error import ApiError
from token_difr.server.http.json_bodies import encode

__all__ = ["STREAM_RESPONSES", "Change", "event_stream"]

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


class Change(Enum):
    """What a follower of sequences sees."""

    PROGRESS = 1
    SILENCE = 2
    DONE = 3


def event_stream(
    answer: Answer,
    changes: AsyncGenerator[Change],
    *,
    headers: Mapping[str, str],
    quiet_seconds: float,
    on_failure: Callable[[], None],
) -> StreamingResponse:
    """Streams what an answer becomes; an error that comes now is an event, since the status is sent already.

    Args:
        answer: Gives the events.
        changes: When to look for new ones; raises ClientDisconnect when nobody reads any more.
        headers: More headers of the answer.
        quiet_seconds: A comment is sent where so long nothing else was, whatever the model does meanwhile.
        on_failure: Called when the stream ends with an error.
    """
    written = _written(answer, changes, quiet_seconds, on_failure)
    return StreamingResponse(written, media_type="text/event-stream", headers={**_HEADERS, **headers})


async def _written(
    answer: Answer, changes: AsyncGenerator[Change], quiet_seconds: float, on_failure: Callable[[], None]
) -> AsyncIterator[bytes]:
    sent = time.monotonic()
    try:
        async with aclosing(changes):
            async for change in changes:
                events = [_data(event) for event in answer.events()]
                # Tokens may come whose text is held back: then there is progress, and nothing to send.
                if not events and (change is Change.SILENCE or time.monotonic() - sent >= quiet_seconds):
                    events = [_KEEP_ALIVE]
                for event in events:
                    yield event
                    sent = time.monotonic()
        for closing in answer.closing_events():
            yield _data(closing)
    except ApiError as error:
        on_failure()
        yield _data(error.body)
    except ClientDisconnect:
        return
    yield _DONE


def _data(event: dict[str, Any]) -> bytes:
    return b"data: " + encode(event) + b"\n\n"
