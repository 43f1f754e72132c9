"""Proxies of the environment: which one a host is reached through; this machine is reached through none."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit
from urllib.request import getproxies, proxy_bypass

from token_difr.endpoint.addresses import is_loopback

__all__ = ["proxy_of", "shown_proxy"]


def proxy_of(parts: SplitResult) -> str | None:
    """The URL of the proxy for a base URL: ``HTTP_PROXY``, ``HTTPS_PROXY`` or ``ALL_PROXY``; None without one.

    ``NO_PROXY`` names hosts that are reached without.
    """
    host = parts.hostname or ""
    if is_loopback(host) or proxy_bypass(host if parts.port is None else f"{host}:{parts.port}"):
        return None
    proxies = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    return proxy if not proxy or "://" in proxy else f"http://{proxy}"


def shown_proxy(proxy: str) -> str:
    """A proxy as messages show it: without user-info."""
    try:
        parts = urlsplit(proxy)
    except ValueError:  # brackets that do not match
        return "of the environment"
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
