"""Errors as HTTP answers, whatever raised them: always OpenAI's object."""

from __future__ import annotations

import logging
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from token_difr.server.answers.requests.error import ApiError
from token_difr.server.http.field_errors import field_error
from token_difr.server.http.json_bodies import JsonAnswer

__all__ = ["ERROR_RESPONSES", "add_error_handlers", "error_response"]

_logger = logging.getLogger("token_difr.server")


class ErrorDetail(BaseModel):
    """What went wrong."""

    message: str
    type: str
    param: str | None
    code: str | None


class ErrorBody(BaseModel):
    """The body of every error."""

    error: ErrorDetail


ERROR_RESPONSES: dict[int | str, dict[str, Any]] = {
    400: {"model": ErrorBody, "description": "The request is wrong; the message says what and where."},
    401: {"model": ErrorBody, "description": "The key is missing or wrong."},
    404: {"model": ErrorBody, "description": "No such path or model."},
    405: {"model": ErrorBody, "description": "The path takes other methods."},
    413: {"model": ErrorBody, "description": "The body is too large."},
    415: {"model": ErrorBody, "description": "The body is encoded."},
    429: {"model": ErrorBody, "description": "Too many requests."},
    500: {"model": ErrorBody, "description": "The server failed."},
    503: {"model": ErrorBody, "description": "The queue is full, or the server is shutting down; try again later."},
}
"""The errors that any route may answer with, for the API's description."""


def error_response(error: ApiError) -> JsonAnswer:
    """The error as an HTTP answer."""
    return JsonAnswer(error.body, status_code=error.status, headers=error.headers)


def add_error_handlers(app: FastAPI) -> None:
    """Answers everything that a route can raise; only faults of the server itself are logged."""

    @app.exception_handler(ApiError)
    async def api_error(_: Request, error: ApiError) -> JsonAnswer:
        if error.status >= 500:
            _logger.error("%s", error, exc_info=error.__cause__)
        return error_response(error)

    @app.exception_handler(ClientDisconnect)
    async def client_left(_: Request, __: ClientDisconnect) -> Response:
        # Nobody reads this; the status (nginx's own) is for the log.
        return Response(status_code=499)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> JsonAnswer:
        return error_response(field_error(error.errors()))

    @app.exception_handler(HTTPException)
    async def http_error(request: Request, error: HTTPException) -> JsonAnswer:
        code = {404: "not_found", 405: "method_not_allowed", 413: "body_too_large"}.get(error.status_code)
        message = f"{error.detail}: {request.method} {request.url.path[:200]}"
        return error_response(ApiError(error.status_code, message, code=code, headers=error.headers))

    @app.exception_handler(Exception)
    async def fault(_: Request, error: Exception) -> JsonAnswer:
        _logger.error("a request failed", exc_info=error)
        return error_response(ApiError(500, "The server failed; its log says why.", code="internal_error"))
