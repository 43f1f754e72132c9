"""Clients of services: a known host gets its own key, and nobody else does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from token_difr.endpoint import connect, public_url
from token_difr.services.profiles import profile_of

if TYPE_CHECKING:
    from openai import AsyncOpenAI

__all__ = ["open_client"]


def open_client(
    url: str, *, key_variable: str | None = None, api_key: str | None = None, **options: Any
) -> AsyncOpenAI:
    """A client of the endpoint at ``url``.

    Args:
        url: The base URL, without query and fragment; one without a path gets ``/v1``.
        key_variable: Environment variable that holds the key; None: the known host's own (``services.toml``). A key
            never goes to another host unasked.
        api_key: The key itself, in place of one from the environment.
        **options: See :func:`~token_difr.endpoint.connect`.

    Raises:
        InputError: See there.
    """
    profile = profile_of(public_url(url))
    if key_variable is None and api_key is None:
        key_variable = profile.key_variable
    known = {"key_variable": key_variable, "sends_organization": profile.organization}
    return connect(url, api_key=api_key, **{**known, **options})
