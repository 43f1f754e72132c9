"""What is known of services: where they are, who holds their keys, which request fields they take."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from token_difr.endpoint.addresses import is_loopback
from token_difr.errors import InputError

__all__ = ["ServiceProfile", "profile_named", "profile_of", "service_profiles"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceProfile:
    """A service, or a kind of server; the fields are explained in ``services.toml``.

    Attributes:
        name: Its name in the table, such as "openrouter".
        url: Base URL; None for software that people run themselves.
        hosts: Host names by which a base URL is recognized.
        key_variable: Environment variable that holds the key; None = it needs none.
        neutral: Request fields with the value that changes nothing.
        takes: Further fields that a chat request may have.
        logprobs: Most ``top_logprobs`` of a chat answer; 0 = none.
        logprobs_form: How a chat request asks for them: "flag" (``logprobs: true``) or "number" (``logprobs: k``).
        completions: What its completions endpoint takes: "ids" (and text), "text", or "".
        echo: Whether that endpoint gives logprobs of the prompt.
    """

    name: str
    url: str | None
    hosts: tuple[str, ...]
    key_variable: str | None
    neutral: Mapping[str, float]
    takes: frozenset[str]
    logprobs: int
    logprobs_form: str
    completions: str
    echo: bool

    def logprobs_fields(self, topk: int) -> dict[str, Any]:
        """The fields of a chat request for the tokens' own logprobs and the ``topk`` likeliest."""
        if self.logprobs_form == "number":
            return {"logprobs": max(topk, 1)}
        return {"logprobs": True, **({"top_logprobs": topk} if topk else {})}

    def accepts(self, field: str) -> bool:
        """Whether a chat request may have ``field``."""
        return field in self.takes or field in self.neutral


@functools.cache
def service_profiles() -> Mapping[str, ServiceProfile]:
    """All services by name, in the table's order; read-only."""
    file = resources.files("token_difr.services") / "services.toml"
    tables: dict[str, dict[str, Any]] = tomllib.loads(file.read_text("utf-8"))
    return MappingProxyType({name: _profile(name, table) for name, table in tables.items()})


def profile_named(name: str) -> ServiceProfile:
    """The service of that name.

    Raises:
        InputError: There is none; the message lists them.
    """
    known = service_profiles()
    if name not in known:
        raise InputError(f"no service is called {name!r}; known are {', '.join(known)}")
    return known[name]


def profile_of(url: str) -> ServiceProfile:
    """The service behind a base URL: by its host, else "vllm" on this machine and "other" elsewhere."""
    host = urlsplit(url).hostname or ""
    for profile in service_profiles().values():
        if host in profile.hosts:  # exactly: by this a key is chosen
            return profile
    return profile_named("vllm" if is_loopback(host) else "other")


def _profile(name: str, table: dict[str, Any]) -> ServiceProfile:
    return ServiceProfile(
        name=name,
        url=table.get("url"),
        hosts=tuple(table.get("hosts", ())),
        key_variable=table.get("key"),
        neutral=MappingProxyType(table["neutral"]),
        takes=frozenset(table["takes"]),
        logprobs=table["logprobs"],
        logprobs_form=table.get("logprobs_form", "flag"),
        completions=table["completions"],
        echo=table["echo"],
    )
