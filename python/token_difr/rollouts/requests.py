"""One prompt and its parameters as requests: where they go, what they say, and the key of each sample's answer."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from token_difr.endpoint.secrets import SECRET_HEADER
from token_difr.errors import InputError
from token_difr.rollouts.config import Config
from token_difr.rollouts.conversations import Join, joiner_of, messages_of, rendered_prompt, tokenizer_of
from token_difr.rollouts.destination import Destination, check_destination, destination_of
from token_difr.rollouts.thinking import CLOSE, OPEN
from token_difr.services import (
    CHAT_PATH,
    COMPLETIONS_PATH,
    TOKEN_IDS_FIELD,
    RequestOptions,
    ServiceProfile,
    chat_fields,
    common_fields,
    completion_fields,
)

__all__ = ["PromptRequests", "prompt_requests"]

SAMPLING = (
    "temperature",
    "top_p",
    "max_tokens",
    "top_k",
    "min_p",
    "top_a",
    "presence_penalty",
    "frequency_penalty",
    "repetition_penalty",
    "logit_bias",
    "stop",
    "response_format",
    "reasoning",
    "include_reasoning",
)
"""Parameters that are request fields under their own names."""


@dataclass(frozen=True, kw_only=True)
class PromptRequests:
    """All requests of one prompt: they differ in their seed alone.

    Attributes:
        destination: Where they go.
        path: The endpoint, below the URL.
        body: The request without its seed.
        seeds: One a sample.
        sends_seed: Whether the seed is sent; it is a part of the key in any case.
        prompt_text: The prompt, where it was rendered here.
        prompt_token_ids: The same as token ids, where it is sent so.
        begun: The beginning of the answer that the prompt hands over.
        headers: More headers of the requests: gateways route by them.
        join: How reasoning and answer are joined; None = not known.
    """

    destination: Destination
    path: str
    body: Mapping[str, Any]
    seeds: tuple[int, ...]
    sends_seed: bool
    prompt_text: str = ""
    prompt_token_ids: list[int] | None = None
    begun: str = ""
    headers: Mapping[str, str] | None = field(default=None, repr=False)
    join: Join | None = field(default=None, repr=False)

    @property
    def thought_open(self) -> bool:
        """Whether the answer begins within a thought that the prompt has opened."""
        return OPEN in self.begun and CLOSE not in self.begun.rpartition(OPEN)[2]

    def request(self, sample: int) -> dict[str, Any]:
        """What sample number ``sample`` sends."""
        return {**self.body, "seed": self.seeds[sample]} if self.sends_seed else dict(self.body)

    def key(self, sample: int) -> bytes:
        """SHA-256 of the whole request and its seed: whatever could change the answer. No key of an API is in it."""
        digest = self._fixed.copy()
        digest.update(b"%d" % self.seeds[sample])
        return bytes(digest.digest())

    @functools.cached_property
    def _fixed(self) -> Any:
        routing = {
            name.lower(): value for name, value in (self.headers or {}).items() if not SECRET_HEADER.search(name)
        }
        parts = [self.destination.url, self.path, self.body, *([routing] if routing else [])]
        canonical = json.dumps(parts, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode("utf-8", "surrogatepass"))


def prompt_requests(config: Config, prompt: str | Sequence[Mapping[str, Any]], n_samples: int) -> PromptRequests:
    """The requests of ``prompt``.

    Raises:
        InputError: Something that the provider cannot do, with who can; nothing has been sent then.
    """
    destination = destination_of(config)
    profile = destination.profile
    options = _options(config, profile)
    check_destination(destination, config, options)
    first = config.seed or 0
    tokenizer = None if config.tokenizer is None else tokenizer_of(config)
    text, asked = "", dict[str, Any]()
    if config.endpoint == "completions" or destination.by_sdk:
        text, begun = rendered_prompt(config, prompt)
        path, asked["prompt"] = COMPLETIONS_PATH, _as_sent(config, destination, text)
        own = completion_fields(profile, options)
    else:
        messages, begun = messages_of(config, prompt)
        path, asked["messages"] = CHAT_PATH, messages
        own = chat_fields(profile, replace(options, begun=bool(begun)))
    # What the user adds may replace what was chosen, and never what makes the answer readable.
    shared = {**common_fields(profile, options, say_neutral=False), **config.extra_body}
    body = {"model": config.model, **shared, **asked, **own}
    _check_sendable(body)
    prompt_ids = body.get("prompt")
    return PromptRequests(
        destination=destination,
        path=path,
        body=body,
        seeds=tuple(range(first, first + n_samples)),
        sends_seed=profile.accepts("seed"),
        prompt_text=text,
        prompt_token_ids=prompt_ids if isinstance(prompt_ids, list) else None,
        begun=begun,
        headers=config.headers,
        join=None if tokenizer is None else joiner_of(config, tokenizer, prompt),
    )


def _options(config: Config, profile: ServiceProfile) -> RequestOptions:
    """What the requests ask for. Seeds are no part of it: they come with each request, and with each key."""
    return RequestOptions(
        sampling={name: getattr(config, name) for name in SAMPLING},
        routing=config.routing,
        token_ids=profile.accepts(TOKEN_IDS_FIELD) and TOKEN_IDS_FIELD not in profile.unkept,
        logprobs=config.logprobs,
        template_variables=config.chat_template_kwargs,
        echo=config.echo,
    )


def _as_sent(config: Config, destination: Destination, text: str) -> str | list[int]:
    """A rendered prompt as token ids, where those are taken: text could be split otherwise. Raw text stays text."""
    if destination.by_sdk or (destination.profile.completions == "ids" and not config.raw):
        return list(tokenizer_of(config).encode(text, add_special_tokens=False, split_special_tokens=False))
    return text


def _check_sendable(body: Mapping[str, Any]) -> None:
    try:
        json.dumps(body, sort_keys=True, allow_nan=False, ensure_ascii=False).encode("utf-8")
    except (TypeError, ValueError, RecursionError) as error:  # UnicodeEncodeError is a ValueError
        raise InputError(f"the request cannot be sent as JSON: {error!r:.200}") from error
