"""Errors in OpenAI's object form: ``{"error": {"message", "type", "param", "code"}}``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from token_difr.server.http.json_answer import JsonAnswer

__all__ = ["ERROR_RESPONSES", "ApiError", "bad_request", "validation_error"]

_TYPES = {401: "authentication_error", 429: "rate_limit_error", 500: "server_error", 503: "server_error"}


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
    429: {"model": ErrorBody, "description": "Too many requests."},
    500: {"model": ErrorBody, "description": "The server failed."},
    503: {"model": ErrorBody, "description": "The queue is full, or the server is shutting down; try again later."},
}
"""The errors that any route may answer with, for the API's description."""


class ApiError(Exception):
    """An answer that is an error.

    Args:
        status: HTTP status.
        message: For the caller: what is wrong, where, what to do. Never a path, a prompt or a stack trace.
        param: The field that is at fault.
        code: OpenAI's machine-readable code, such as ``model_not_found``.
        headers: More headers of the answer.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = dict(headers or {})
        self.body: dict[str, Any] = {
            "error": {
                "message": message,
                "type": _TYPES.get(status, "invalid_request_error"),
                "param": param,
                "code": code,
            }
        }

    def response(self) -> JsonAnswer:
        """The error as an HTTP answer."""
        return JsonAnswer(self.body, status_code=self.status, headers=self.headers)


def bad_request(message: str, *, param: str | None = None, code: str | None = None) -> ApiError:
    """HTTP 400."""
    return ApiError(400, message, param=param, code=code)


def validation_error(errors: Sequence[Mapping[str, Any]]) -> ApiError:
    """HTTP 400 from what pydantic found wrong in a body; only the first fault is told, without the value."""
    error = errors[0]
    path = [str(part) for part in error["loc"] if part != "body"]
    param = next((part for part in path), None)
    if error["type"] == "extra_forbidden":
        return bad_request(f"Unrecognized request argument supplied: {'.'.join(path)}", param=param)
    if error["type"] == "json_invalid":
        return bad_request("The body of the request is not valid JSON.")
    where = f"'{'.'.join(path)}': " if path else ""
    return bad_request(f"{where}{error['msg']}", param=param)
