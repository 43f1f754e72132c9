"""Clients of OpenAI-compatible endpoints: the base URL, the key, the retries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit, urlunsplit

from token_difr.endpoint.addresses import is_loopback
from token_difr.endpoint.bodies import MAX_ANSWER_MB
from token_difr.endpoint.headers import checked_headers
from token_difr.endpoint.keys import clean_key, secret_from
from token_difr.endpoint.secrets import NO_KEY
from token_difr.endpoint.transport import Pace, bounded_transport
from token_difr.errors import InputError

if TYPE_CHECKING:
    import httpx2
    from openai import AsyncOpenAI

__all__ = ["MAX_RETRIES", "TIMEOUT_SECONDS", "connect", "is_local", "public_url", "shown_url", "tag_headers"]

MAX_RETRIES = 3
"""The SDK's own retries of a request, with its backoff and the server's Retry-After. Nothing loops around them."""

TIMEOUT_SECONDS = 600.0
"""For the whole of one answer."""


def connect(
    url: str,
    *,
    key_variable: str | None = None,
    max_retries: int = MAX_RETRIES,
    timeout_seconds: float = TIMEOUT_SECONDS,
    headers: Mapping[str, str] | None = None,
    http_client: httpx2.AsyncClient | None = None,
    api_key: str | None = None,
    pace: Pace | None = None,
    sends_organization: bool = False,
    max_answer_mb: float = MAX_ANSWER_MB,
) -> AsyncOpenAI:
    """A client of the endpoint at ``url``.

    Args:
        url: The base URL, without query and fragment; one without a path gets ``/v1``.
        key_variable: Environment variable that holds the key; white space around it is left out. None: no key, which
            only loopback addresses and plain http are asked without.
        max_retries: The SDK's retries of one request.
        timeout_seconds: For the whole of one answer, from the request's first byte on; connecting has 5 s of it.
        headers: More headers of every request. Proxies come from the environment; this machine is asked without.
        http_client: Another transport, for tests. It has no more than its timeout of each read, and bounds nothing else.
        api_key: The key itself, in place of one from the environment.
        pace: Called before every attempt, retries among them; not with an ``http_client``.
        sends_organization: Let the user's organization and project, which the SDK takes from the environment, into
            the requests: they are none of a stranger's business.
        max_answer_mb: Megabytes of one answer, decompressed; not with an ``http_client``.

    Raises:
        InputError: Not an http(s) base URL, the key's variable is not set or holds what no key is, or a header that
            cannot be sent.
    """
    import httpx2
    from openai import AsyncOpenAI, Omit

    parts = _base(url)
    own: dict[str, str | Omit] = {**checked_headers(headers or {})}
    if not sends_organization:
        own = {"OpenAI-Organization": Omit(), "OpenAI-Project": Omit(), **own}
    try:
        return AsyncOpenAI(
            base_url=urlunsplit(parts),
            api_key=_key(parts, key_variable) if api_key is None else clean_key(api_key, "api_key"),
            max_retries=max_retries,
            timeout=httpx2.Timeout(timeout_seconds, connect=5.0),
            default_headers=own,  # type: ignore[arg-type]  # the SDK takes Omit here, its annotation lags
            http_client=http_client or bounded_transport(timeout_seconds, pace, url=parts, max_answer_mb=max_answer_mb),
        )
    except httpx2.InvalidURL as error:
        raise InputError(f"{_named(url)} is not an http or https URL: {error}") from error


def public_url(url: str) -> str:
    """The base URL as it may be stored and shown: completed with ``/v1``, without user-info.

    Raises:
        InputError: Not an http(s) URL, or one with a query or a fragment.
    """
    return _without_secrets(_base(url))


def shown_url(client: AsyncOpenAI) -> str:
    """The URL of ``client`` as messages may show it."""
    return _without_secrets(_split(str(client.base_url)))


def is_local(url: str) -> bool:
    """Whether the endpoint at ``url`` is on this machine."""
    return is_loopback(_split(url).hostname or "")


def tag_headers(client: AsyncOpenAI, tag: str) -> dict[str, str]:
    """``x-request-tag: tag`` for a server on this machine, whose log then tells who asked what.

    A remote endpoint gets none: a provider that can tell an audit from its users can serve it better.
    """
    return {"x-request-tag": tag} if is_loopback(client.base_url.host) else {}


def _base(url: str) -> SplitResult:
    parts = _split(url)
    if parts.query or parts.fragment:
        raise InputError(
            f"{_without_secrets(parts)} was given with a query or a fragment (?, #), which a base URL cannot have: a "
            "key goes into an environment variable (--provider-key-env, --reference-key-env, or key_variable=)"
        )
    return parts


def _split(url: str) -> SplitResult:
    url = url.strip()
    try:
        parts = urlsplit(url)
        valid = parts.scheme in {"http", "https"} and parts.hostname and (parts.port or 1)
    except ValueError:  # brackets that do not match, a port that is none
        valid = False
    # urlsplit leaves out line breaks and tabs without a word.
    if not valid or not url.isprintable() or " " in url:
        raise InputError(f"{_named(url)} is not an http or https URL, e.g. http://127.0.0.1:8000")
    return parts._replace(path=parts.path.rstrip("/") or "/v1")


def _without_secrets(parts: SplitResult) -> str:
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _named(url: str) -> str:
    """What is no URL, unless a part of it may be a key: user-info, query and fragment cannot be told from the rest."""
    return "the base URL" if any(mark in url for mark in "@?#") else repr(url[:200])


def _key(parts: SplitResult, key_variable: str | None) -> str:
    host = parts.hostname or ""
    if key_variable is None:
        if parts.scheme == "http" or is_loopback(host):
            return NO_KEY
        raise InputError(
            f"no key for {host}: name the environment variable that holds it (--provider-key-env, "
            "--reference-key-env, or key_variable=)"
        )
    return secret_from(key_variable, f"the key for {host}")
