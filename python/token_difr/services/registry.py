"""Names of models at services: tables that ship with the package, and one overlay of the user's own."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from enum import StrEnum
from importlib import resources
from types import MappingProxyType

from token_difr.errors import InputError, UnregisteredModelError

__all__ = ["Registry", "Service", "shipped_names"]

NEAREST = 3
"""Near matches that an error names."""


class Service(StrEnum):
    """The services whose names are known."""

    FIREWORKS = "fireworks"
    OPENROUTER = "openrouter"
    TOGETHER = "together"
    TINKER = "tinker"


Tables = Mapping[Service, Mapping[str, str]]
"""Service -> name on the Hugging Face hub -> name at the service."""


def shipped_names() -> Tables:
    """The tables of ``models.toml``, read-only."""
    file = resources.files("token_difr.services") / "models.toml"
    models = tomllib.loads(file.read_text("utf-8"))["model"]
    return MappingProxyType(
        {
            service: MappingProxyType({model["hugging_face"]: model[service] for model in models if service in model})
            for service in Service
        }
    )


class Registry:
    """Names of models at services.

    Args:
        shipped: The tables below the user's overlay; they never change. None = those of the package.
    """

    def __init__(self, shipped: Tables | None = None) -> None:
        tables = shipped_names() if shipped is None else shipped
        self._names = {service: _Names(service, tables.get(service, {})) for service in Service}
        self._views = {service: MappingProxyType(names) for service, names in self._names.items()}

    def names(self, service: Service) -> Mapping[str, str]:
        """All names at a service by the model's name on the hub: a live view, which cannot be written to.

        ``names[unknown]`` raises :class:`~token_difr.errors.UnregisteredModelError`, which is a ``KeyError`` too.
        """
        return self._views[service]

    def register(self, service: Service, hf_name: str, name: str) -> None:
        """Add a model to the user's overlay, which covers the shipped tables.

        Raises:
            InputError: An empty name.
        """
        if not hf_name or not name:
            raise InputError(f"a model is registered with two names, not {hf_name!r} and {name!r}")
        self._names[service][hf_name] = name

    def name(self, hf_name: str, service: Service) -> str:
        """What ``service`` calls a model.

        OpenRouter's names are the lower-cased ones of the hub unless registered otherwise; the other services' are
        known only if registered.

        Raises:
            UnregisteredModelError: Not registered; the message has near matches.
        """
        if service is Service.OPENROUTER and hf_name not in self._names[service]:
            return hf_name.lower()
        return self._names[service][hf_name]

    def hugging_face_name(self, name: str) -> str:
        """The name on the hub of a model that any service calls ``name``, whatever its case.

        Names may lack what leads up to the last "/" or part of it: Fireworks takes ``fireworks/kimi-k2-thinking`` too.

        Raises:
            UnregisteredModelError: No service calls a model so; or several models are called so.
        """
        known = [(hf_name, hf_name) for names in self._names.values() for hf_name in names]
        known += [(other, hf_name) for names in self._names.values() for hf_name, other in names.items()]
        wanted = name.lower()
        for form in (str.lower, _last_part):
            found = {hf_name for other, hf_name in known if form(other) == form(wanted)}
            if len(found) == 1:
                return found.pop()
            if found:
                raise UnregisteredModelError(f"{name!r} may be any of {', '.join(sorted(found))}: give its whole name")
        raise UnregisteredModelError(
            f"no known service has a model {name!r}{_near(name, (other for other, _ in known))}"
        )


class _Names(dict[str, str]):
    """Names at one service; asking for a missing one tells near matches and how to add it."""

    def __init__(self, service: Service, shipped: Mapping[str, str]) -> None:
        super().__init__(shipped)
        self._service = service

    def __missing__(self, hf_name: str) -> str:
        near = _near(hf_name, self)
        raise UnregisteredModelError(
            f"Model {hf_name} not in {self._service.upper()}_MODEL_REGISTRY{near}. "
            f"Use {_how_to_register(self._service)} to add it first."
        )


def _how_to_register(service: Service) -> str:
    if service in {Service.FIREWORKS, Service.OPENROUTER}:
        return f"register_{service}_model()"
    return f"REGISTRY.register(Service.{service.name}, ...)"


def _near(name: str, known: Iterable[str]) -> str:
    by_lower = {other.lower(): other for other in known}
    found = difflib.get_close_matches(name.lower(), by_lower, n=NEAREST)
    return f"; near it: {', '.join(by_lower[lower] for lower in found)}" if found else ""


def _last_part(name: str) -> str:
    return name.lower().rpartition("/")[2]
