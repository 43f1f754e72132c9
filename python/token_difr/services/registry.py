"""Names of models at services: tables that ship with the package, and one overlay of the user's own."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType

from token_difr.errors import InputError, UnregisteredModelError
from token_difr.services.profiles import profile_named, service_profiles

__all__ = ["Registry", "Service", "guessed_name", "shipped_names"]

NEAREST = 3
"""Near matches that an error names."""


class Service(StrEnum):
    """Services under names of their own. Any other name of ``services.toml`` is taken too, as a text."""

    FIREWORKS = "fireworks"
    OPENROUTER = "openrouter"
    TOGETHER = "together"
    TINKER = "tinker"


Tables = Mapping[str, Mapping[str, str]]
"""Service -> name on the Hugging Face hub -> name at the service."""


def shipped_names() -> Tables:
    """The tables of ``services.toml``, read-only."""
    return MappingProxyType({name: profile.models for name, profile in service_profiles().items()})


class Registry:
    """Names of models at services; a service is a :class:`Service`, or its name in ``services.toml``.

    Args:
        shipped: The tables below the user's overlay; they never change. None = those of the package.
    """

    def __init__(self, shipped: Tables | None = None) -> None:
        tables = shipped_names() if shipped is None else shipped
        self._names = {service: _Names(service, tables.get(service, {})) for service in service_profiles()}
        self._views = {service: MappingProxyType(names) for service, names in self._names.items()}

    def names(self, service: str) -> Mapping[str, str]:
        """All names at a service by the model's name on the hub: a live view, which cannot be written to.

        ``names[unknown]`` raises :class:`~token_difr.errors.UnregisteredModelError`, which is a ``KeyError`` too.

        Raises:
            InputError: There is no such service.
        """
        return self._views[profile_named(service).name]

    def register(self, service: str, hf_name: str, name: str) -> None:
        """Add a model to the user's overlay, which covers the shipped tables.

        Raises:
            InputError: An empty name, or no such service.
        """
        if not hf_name or not name:
            raise InputError(f"a model is registered with two names, not {hf_name!r} and {name!r}")
        self._names[profile_named(service).name][hf_name] = name

    def name(self, hf_name: str, service: str) -> str:
        """What ``service`` calls a model.

        Where a service has a rule for its names (OpenRouter's are the lower-cased ones of the hub), the rule tells
        those that are not registered; the other services' are known only if registered.

        Raises:
            UnregisteredModelError: Not registered; the message has near matches.
            InputError: There is no such service.
        """
        profile = profile_named(service)
        if profile.unlisted and hf_name not in self._names[profile.name]:
            return _filled(profile.unlisted, hf_name)
        return self._names[profile.name][hf_name]

    def name_of_any(self, model: str, service: str) -> str:
        """What ``service`` calls a model that is given in any way: what is known first, then the service's guess.

        Its own names stay as they are. Short names, names on the hub in any case, and what stands behind the last "/"
        of any known name lead to the registered one. A name with an organization that is not known is never taken for
        another organization's model of the same name.

        Raises:
            UnregisteredModelError: Nothing is known, and the service has neither rule nor guess.
            InputError: There is no such service.
        """
        profile, names = profile_named(service), self._names[profile_named(service).name]
        if model in profile.short:
            return profile.short[model]
        if model in names:
            return names[model]
        if model in names.values() or (profile.own_names and model.startswith(profile.own_names)):
            return model
        form = str.lower if "/" in model else _last_part
        found = {own for hf_name, own in names.items() if form(model) in {form(hf_name), form(own)}}
        if len(found) == 1:
            return found.pop()
        pattern = profile.unlisted or profile.guess
        return _filled(pattern, model) if pattern else names[model]

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


def guessed_name(model: str, service: str) -> str:
    """A guess at what a service calls a model, by its own pattern; the name itself where it has none."""
    profile = profile_named(service)
    return _filled(profile.guess or profile.unlisted or "{name}", model)


class _Names(dict[str, str]):
    """Names at one service; asking for a missing one tells near matches and how to add it."""

    def __init__(self, service: str, shipped: Mapping[str, str]) -> None:
        super().__init__(shipped)
        self._service = service

    def __missing__(self, hf_name: str) -> str:
        near = _near(hf_name, self)
        raise UnregisteredModelError(
            f"Model {hf_name} not in {self._service.upper()}_MODEL_REGISTRY{near}. "
            f"Use {_how_to_register(self._service)} to add it first."
        )


def _how_to_register(service: str) -> str:
    if service in {Service.FIREWORKS, Service.OPENROUTER}:
        return f"register_{service}_model()"
    return f"REGISTRY.register({service!r}, ...)"


def _filled(pattern: str, model: str) -> str:
    lower = model.lower()
    return pattern.format(name=model, lower=lower, plain=lower.split("/", 1)[-1].replace(".", "p"))


def _near(name: str, known: Iterable[str]) -> str:
    by_lower = {other.lower(): other for other in known}
    found = difflib.get_close_matches(name.lower(), by_lower, n=NEAREST)
    return f"; near it: {', '.join(by_lower[lower] for lower in found)}" if found else ""


def _last_part(name: str) -> str:
    return name.lower().rpartition("/")[2]
