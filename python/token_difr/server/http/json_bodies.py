"""JSON on the way in and out: nothing looser in, and out by pydantic's encoder.

That encoder is several times as fast as the standard library's, and the answers are long lists of numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from pydantic_core import from_json, to_json

from token_difr.server.answers.requests.error import ApiError, bad_request
from token_difr.server.http.body_parts import check_parts, turn_of
from token_difr.server.http.field_errors import field_error
from token_difr.server.http.off_loop import off_loop
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


class _ReadRequest(Request):
    """A request whose body was read and judged: FastAPI finds it ready."""

    parsed: BaseModel

    async def body(self) -> bytes:
        """Something: FastAPI asks for it only to know whether there is a body. The bytes are gone, to save their memory."""
        return b"{}"

    async def json(self) -> Any:
        """The body."""
        return self.parsed


class JsonRoute(APIRoute):
    """A route that reads its body strictly, and off the loop: a body of megabytes takes seconds to judge."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, on a request whose body is read."""
        handle = super().get_route_handler()
        if self.body_field is None:
            return handle
        kind: type[BaseModel] = self.body_field.field_info.annotation  # type: ignore[assignment]  # ours all are

        async def strictly(request: Request) -> Response:
            _check_type(request.headers.get("content-type", ""))
            _check_encoding(request.headers.get("content-encoding", ""))
            read = _ReadRequest(request.scope, request.receive)
            read.parsed = await off_loop(_judged, [part async for part in request.stream()], kind)
            return await handle(read)

        return strictly


def _check_type(given: str) -> None:
    # A body of another type is not guessed at: a page in a browser could send one here without being asked.
    if given.partition(";")[0].strip().lower() != "application/json":
        came = f"it came as {printable(given)}" if given else "it came without one"
        raise bad_request(f"The body must be sent with the header 'content-type: application/json'; {came}.")


def _check_encoding(given: str) -> None:
    if given.strip().lower() not in {"", "identity"}:
        raise ApiError(
            415, f"The body came with the encoding {printable(given)}, which is not undone here: send it as it is."
        )


def _judged(parts: list[bytes], kind: type[BaseModel]) -> BaseModel:
    with turn_of(sum(map(len, parts))):
        content = b"".join(parts)
        parts.clear()
        check_parts(content)
        return _read(content, kind)


def _read(content: bytes, kind: type[BaseModel]) -> BaseModel:
    try:
        # The standard library would let NaN, infinities and half surrogate pairs pass, and any depth up to its stack.
        value = from_json(content, allow_inf_nan=False)
    except ValueError as error:
        raise bad_request("The body of the request is not valid JSON.") from error
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        raise field_error(error.errors(include_url=False)) from None
