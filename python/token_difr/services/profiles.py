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

NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceProfile:
    """A service, or a kind of server; the fields are explained in ``services.toml``.

    Attributes:
        name: Its name in the table, such as "openrouter".
        url: Base URL; None for software that people run themselves.
        hosts: Host names by which a base URL is recognized.
        key_variable: Environment variable that holds the key; None = it needs none.
        organization: Whether its requests name the user's organization and project, where the environment has them.
        neutral: Request fields with the value that changes nothing.
        takes: Further fields that a chat request may have.
        unkept: Those of them that rollouts do not ask for, since their keys hold the whole request.
        prefill: Fields that make a chat answer go on with an assistant's message.
        logprobs: Most ``top_logprobs`` of a chat answer; 0 = none.
        logprobs_form: How a chat request asks for them.
        completions: What its completions endpoint takes: "ids" (and text), "text", or "".
        completions_logprobs_form: How a completions request asks for logprobs.
        echo: Whether that endpoint gives logprobs of the prompt.
        own_names: How names of models begin that are surely its own; "" = nothing tells.
        unlisted: Pattern of its names of models that ``models`` lacks; "" = there is none.
        guess: The same, where it is only a guess.
        models: Name on the Hugging Face hub -> name at the service.
        short: Further names that are taken -> name at the service.
    """

    name: str
    url: str | None
    hosts: tuple[str, ...]
    key_variable: str | None
    organization: bool
    neutral: Mapping[str, float]
    takes: frozenset[str]
    unkept: frozenset[str]
    prefill: Mapping[str, bool]
    logprobs: int
    logprobs_form: str
    completions: str
    completions_logprobs_form: str
    echo: bool
    own_names: str
    unlisted: str
    guess: str
    models: Mapping[str, str]
    short: Mapping[str, str]

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
        organization=table.get("organization", False),
        neutral=MappingProxyType(table["neutral"]),
        takes=frozenset(table["takes"]),
        unkept=frozenset(table.get("unkept", ())),
        prefill=MappingProxyType(table.get("prefill", NOTHING)),
        logprobs=table["logprobs"],
        logprobs_form=table.get("logprobs_form", "flag"),
        completions=table["completions"],
        completions_logprobs_form=table.get("completions_logprobs_form", "number"),
        echo=table["echo"],
        own_names=table.get("own_names", ""),
        unlisted=table.get("unlisted", ""),
        guess=table.get("guess", ""),
        models=MappingProxyType(table.get("models", NOTHING)),
        short=MappingProxyType(table.get("short", NOTHING)),
    )
