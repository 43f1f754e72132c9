"""JSON on the way in and out: nothing looser in, and out by pydantic's encoder.

That encoder is several times as fast as the standard library's, and the answers are long lists of numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic_core import from_json, to_json
from starlette.exceptions import HTTPException

from token_difr.server.answers.requests.error import bad_request
from token_difr.untrusted import printable

__all__ = ["JsonAnswer", "JsonRoute", "encode"]


def encode(value: Any) -> bytes:
    """A value as compact JSON in UTF-8; what JSON has no number for (NaN, infinities) becomes null."""
    return to_json(value, inf_nan_mode="null")


class JsonAnswer(JSONResponse):
    """An answer in JSON."""

    def render(self, content: Any) -> bytes:
        """The body."""
        return encode(content)


class _StrictRequest(Request):
    async def json(self) -> Any:
        """The body; the standard library would let NaN, infinities and half surrogate pairs pass."""
        try:
            return from_json(await self.body(), allow_inf_nan=False)
        except ValueError as error:
            raise HTTPException(400, "The body of the request is not valid JSON") from error


class JsonRoute(APIRoute):
    """A route that reads its body strictly."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, on a strict request."""
        handle = super().get_route_handler()

        async def strictly(request: Request) -> Response:
            given = request.headers.get("content-type", "")
            # A body of another type is not guessed at: a page in a browser could send one here without being asked.
            if request.method == "POST" and given.partition(";")[0].strip().lower() != "application/json":
                came = f"it came as {printable(given)}" if given else "it came without one"
                raise bad_request(f"The body must be sent with the header 'content-type: application/json'; {came}.")
            return await handle(_StrictRequest(request.scope, request.receive))

        return strictly
