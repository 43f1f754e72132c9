"""Whether a service can do what is asked: an error before anything is paid, that names who can."""

from __future__ import annotations

from collections.abc import Callable

from token_difr.errors import InputError
from token_difr.services.profiles import ServiceProfile, service_profiles
from token_difr.services.request_fields import RequestOptions

__all__ = ["check_able", "check_completions", "check_template_variables"]


def check_able(profile: ServiceProfile, options: RequestOptions) -> None:
    """Whether the service has what ``options`` ask for at either endpoint.

    Raises:
        InputError: Routing at a service that routes to nobody, or more logprobs than it gives.
    """
    if options.routing is not None and not profile.accepts("provider"):
        raise InputError(
            "only= or routing= chooses a provider behind a router, such as those behind OpenRouter; "
            f"{profile.name} is no router"
        )
    wanted = options.logprobs
    if wanted is not None and (not profile.logprobs or wanted > profile.logprobs):
        able = _named(lambda each: each.logprobs >= max(wanted, 1))
        most = f"at most {profile.logprobs} logprobs a token" if profile.logprobs else "no logprobs of its output"
        raise InputError(f"{profile.name} gives {most}, not {wanted}; these do: {able}")


def check_completions(profile: ServiceProfile, *, echo: bool) -> None:
    """Whether the service has a completions endpoint, and one that gives logprobs of prompts if ``echo``.

    Raises:
        InputError: It has none.
    """
    if not profile.completions:
        able = _named(lambda each: each.completions != "")
        raise InputError(f"{profile.name} has no completions endpoint to trust; these have: {able}")
    if echo and not profile.echo:
        raise InputError(f"{profile.name} gives no logprobs of prompts; these do: {_named(lambda each: each.echo)}")


def check_template_variables(profile: ServiceProfile) -> None:
    """Whether the service takes variables of the chat template.

    Raises:
        InputError: It does not.
    """
    if not profile.accepts("chat_template_kwargs"):
        able = _named(lambda each: each.accepts("chat_template_kwargs"))
        raise InputError(f"{profile.name} takes no chat_template_kwargs; these do: {able}; or endpoint='completions'")


def _named(able: Callable[[ServiceProfile], bool]) -> str:
    return ", ".join(name for name, each in service_profiles().items() if able(each))
