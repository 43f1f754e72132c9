"""Clients of OpenAI-compatible endpoints: the base URL, the key, the retries."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit, urlunsplit

from token_difr.errors import InputError

if TYPE_CHECKING:
    import httpx2
    from openai import AsyncOpenAI

__all__ = ["KEY_VARIABLES", "MAX_RETRIES", "open_client", "public_url", "shown_url", "tag_headers"]

KEY_VARIABLES: Mapping[str, str] = MappingProxyType(
    {
        "api.openai.com": "OPENAI_API_KEY",
        "openrouter.ai": "OPENROUTER_API_KEY",
        "api.fireworks.ai": "FIREWORKS_API_KEY",
        "api.together.xyz": "TOGETHER_API_KEY",
        "api.together.ai": "TOGETHER_API_KEY",
    }
)
"""Environment variable that holds the key of a known host. A key never goes to another host unasked."""

NO_KEY = "EMPTY"
"""What servers without keys (vLLM, our own) are sent; the SDK refuses an empty one."""

MAX_RETRIES = 3
"""The SDK's own retries of a request, with its backoff and the server's Retry-After. Nothing loops around them."""


def open_client(
    url: str,
    *,
    key_variable: str | None = None,
    max_retries: int = MAX_RETRIES,
    timeout_seconds: float = 600.0,
    http_client: httpx2.AsyncClient | None = None,
) -> AsyncOpenAI:
    """A client of the endpoint at ``url``.

    Args:
        url: The base URL; one without a path gets ``/v1``.
        key_variable: Environment variable that holds the key. None: the known host's own (``KEY_VARIABLES``), and no
            key for loopback addresses and plain http.
        max_retries: The SDK's retries of one request.
        timeout_seconds: For the whole of one answer; connecting has 5 s of its own.
        http_client: Another transport, for tests and proxies.

    Raises:
        InputError: Not an http(s) URL, or the key's variable is not set.
    """
    import httpx2
    from openai import AsyncOpenAI, Omit

    parts = _split(url)
    # The SDK would put the user's OpenAI organization, from the environment, into requests to anybody.
    strangers = {} if parts.hostname == "api.openai.com" else {"OpenAI-Organization": Omit(), "OpenAI-Project": Omit()}
    return AsyncOpenAI(
        base_url=urlunsplit(parts),
        api_key=_key(parts, key_variable),
        max_retries=max_retries,
        timeout=httpx2.Timeout(timeout_seconds, connect=5.0),
        default_headers=strangers,  # type: ignore[arg-type]  # the SDK takes Omit here, its annotation lags
        http_client=http_client,
    )


def public_url(url: str) -> str:
    """The base URL as it may be stored and shown: completed with ``/v1``, without user-info, query and fragment.

    Raises:
        InputError: Not an http(s) URL.
    """
    parts = _split(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def shown_url(client: AsyncOpenAI) -> str:
    """The URL of ``client`` as messages may show it."""
    return public_url(str(client.base_url))


def tag_headers(client: AsyncOpenAI, tag: str) -> dict[str, str]:
    """``x-request-tag: tag`` for a server on this machine, whose log then tells who asked what.

    A remote endpoint gets none: a provider that can tell an audit from its users can serve it better.
    """
    return {"x-request-tag": tag} if _is_loopback(client.base_url.host) else {}


def _split(url: str) -> SplitResult:
    parts = urlsplit(url.strip())
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        # The netloc's user-info may be a key, so the URL is shown only from the host on.
        raise InputError(f"{url.strip().rpartition('@')[2]!r} is not an http or https URL, e.g. http://127.0.0.1:8000")
    return parts._replace(path=parts.path.rstrip("/") or "/v1")


def _key(parts: SplitResult, key_variable: str | None) -> str:
    host = parts.hostname or ""
    variable = key_variable or KEY_VARIABLES.get(host)
    if variable is None:
        if parts.scheme == "http" or _is_loopback(host):
            return NO_KEY
        raise InputError(
            f"no key for {host}: name the environment variable that holds it (--provider-key-env, "
            "--reference-key-env, or key_variable=)"
        )
    key = os.environ.get(variable)
    if not key:
        raise InputError(f"the environment variable {variable}, which should hold the key for {host}, is not set")
    return key


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:  # a name, not an address
        return False
