"""Who is asked, and whether they can do it: an error before anything is paid, not after."""

from __future__ import annotations

from collections.abc import Callable

from token_difr.endpoint import public_url
from token_difr.errors import InputError
from token_difr.rollouts.config import Config
from token_difr.services import ServiceProfile, profile_named, profile_of, service_profiles

__all__ = ["TINKER", "check_able", "where"]

TINKER = "tinker"
"""The provider that is asked through its own SDK."""


def where(config: Config) -> tuple[str, ServiceProfile]:
    """Base URL, as it may be stored and shown, and service; the URL of Tinker's SDK is :data:`TINKER`.

    Raises:
        InputError: No such service, one without an address, or no base URL.
    """
    provider = config.provider or "openrouter"
    if not isinstance(provider, str):
        raise InputError(f"provider must be the name of a service or a base URL, not {provider!r}")
    if provider == TINKER:
        return TINKER, profile_named(TINKER)
    if "://" in provider:
        url = public_url(provider)
        return url, profile_of(url) if config.service is None else profile_named(config.service)
    profile = profile_named(provider)
    if profile.url is None:
        raise InputError(
            f"{provider} is software that people run themselves: give its base URL, and service={provider!r}"
        )
    return profile.url, profile


def check_able(config: Config, profile: ServiceProfile) -> None:
    """Whether the service can do what is asked.

    Raises:
        InputError: It cannot; the message names who can.
    """
    if config.echo and config.endpoint != "completions":
        raise InputError('echo needs endpoint="completions": chat endpoints do not echo')
    if config.endpoint == "completions" and not profile.completions:
        able = _named(lambda each: each.completions != "")
        raise InputError(f"{profile.name} has no completions endpoint to trust; these have: {able}")
    if config.echo and not profile.echo:
        raise InputError(f"{profile.name} gives no logprobs of prompts; these do: {_named(lambda each: each.echo)}")
    if config.logprobs is not None and config.logprobs > profile.logprobs and config.provider != TINKER:
        able = _named(lambda each: each.logprobs >= (config.logprobs or 0))
        most = f"at most {profile.logprobs} logprobs a token" if profile.logprobs else "no logprobs"
        raise InputError(f"{profile.name} gives {most}, not {config.logprobs}; these do: {able}")
    if config.routing is not None and not profile.accepts("provider"):
        raise InputError(f"routing chooses among the providers behind OpenRouter; {profile.name} has none")
    if config.chat_template_kwargs and config.endpoint == "chat" and not profile.accepts("chat_template_kwargs"):
        able = _named(lambda each: each.accepts("chat_template_kwargs"))
        raise InputError(f"{profile.name} takes no chat_template_kwargs; these do: {able}; or endpoint='completions'")


def _named(able: Callable[[ServiceProfile], bool]) -> str:
    return ", ".join(name for name, each in service_profiles().items() if able(each))
