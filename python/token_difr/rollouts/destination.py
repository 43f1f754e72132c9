"""Who is asked, and whether they can do it: an error before anything is paid, not after."""

from __future__ import annotations

from dataclasses import dataclass

from token_difr.endpoint import public_url
from token_difr.errors import InputError
from token_difr.rollouts.config import DEFAULT_PROVIDER, Config
from token_difr.services import (
    RequestOptions,
    ServiceProfile,
    check_able,
    check_completions,
    check_template_variables,
    profile_named,
    profile_of,
)
from token_difr.services.addresses import service_url
from token_difr.tinker.sender import TINKER, check_request

__all__ = ["Destination", "check_destination", "destination_of"]


@dataclass(frozen=True, slots=True)
class Destination:
    """Where requests go.

    Attributes:
        url: Base URL, as it may be stored and shown; "tinker" for its SDK.
        profile: What is known of the service.
        by_sdk: Whether Tinker's own SDK sends them. It takes token ids and gives them, and knows neither endpoint.
        key_variable: Environment variable of the key, where the URL's host does not tell it: a service's that its own
            variable moved elsewhere.
    """

    url: str
    profile: ServiceProfile
    by_sdk: bool = False
    key_variable: str | None = None


def destination_of(config: Config) -> Destination:
    """Whom ``config`` asks.

    Raises:
        InputError: No such service, one without an address, or no base URL.
    """
    provider = config.provider or DEFAULT_PROVIDER
    if not isinstance(provider, str):
        raise InputError(f"provider must be the name of a service or a base URL, not {provider!r}")
    if provider == TINKER:
        return Destination(TINKER, profile_named(TINKER), by_sdk=True)
    if "://" in provider:
        given = public_url(provider)
        return Destination(given, profile_of(given) if config.service is None else profile_named(config.service))
    profile = profile_named(provider)
    known = service_url(profile)
    if known is None:
        raise InputError(
            f"{provider} is software that people run themselves: give its base URL, and service={provider!r}"
        )
    return Destination(public_url(known), profile, key_variable=None if known == profile.url else profile.key_variable)


def check_destination(destination: Destination, config: Config, options: RequestOptions) -> None:
    """Whether the service can do what is asked.

    Raises:
        InputError: It cannot; the message names who can.
    """
    if config.echo and config.endpoint != "completions":
        raise InputError('echo needs endpoint="completions": chat endpoints do not echo')
    if config.endpoint == "completions":
        check_completions(destination.profile, echo=config.echo)
    elif config.chat_template_kwargs:
        check_template_variables(destination.profile)
    if destination.by_sdk:
        others = {"routing": config.routing, "headers": config.headers, **dict.fromkeys(config.extra_body, True)}
        check_request({**options.sampling, **others}, logprobs=options.logprobs)
    else:
        check_able(destination.profile, options)
