"""Every parameter of the rollouts client, with its default."""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Self

from token_difr.endpoint.bodies import MAX_ANSWER_MB
from token_difr.errors import InputError
from token_difr.rollouts.context_room import DefaultTokens

if TYPE_CHECKING:
    from token_difr.sequences import Tokenizer

__all__ = ["DEFAULT_PROVIDER", "Config"]

RANGES: dict[str, tuple[float, float]] = {
    "temperature": (0.0, 2.0),
    "top_p": (0.0, 1.0),
    "max_tokens": (1, math.inf),
    "n_samples": (1, math.inf),
    "top_k": (0, math.inf),
    "min_p": (0.0, 1.0),
    "top_a": (0.0, 1.0),
    "presence_penalty": (-2.0, 2.0),
    "frequency_penalty": (-2.0, 2.0),
    "repetition_penalty": (0.0, 2.0),
    "logprobs": (0, 20),
    "max_retries": (0, math.inf),
    "timeout": (0.001, math.inf),
    "max_seconds": (0.0, math.inf),
    "max_cost_usd": (0.0, math.inf),
    "price_input": (0.0, math.inf),
    "price_output": (0.0, math.inf),
    "requests_per_minute": (0.001, math.inf),
    "concurrency": (1, math.inf),
    "max_answer_mb": (0.001, math.inf),
}
"""Least and greatest value of a parameter, both allowed; ``top_p`` must be above 0."""

WHOLE = frozenset({"max_tokens", "n_samples", "top_k", "logprobs", "max_retries", "concurrency"})
"""Parameters that are whole numbers; the other numbers are floats, so that 1 and 1.0 are one request."""

OF_A_PROVIDER = ("routing", "service", "api_key", "key_variable", "headers")
"""What belongs to a provider: a call that names another one starts without them. No key goes to a stranger."""

DEFAULT_PROVIDER = "openrouter"
"""Who is asked where nobody is named."""

OURS = frozenset({"n", "stream", "messages", "prompt", "on_response"})
"""Request fields that the client decides itself."""

SECRET = ("api_key", "headers", "tokenizer")
"""What :meth:`Config.to_dict` leaves out: secrets, and what JSON cannot hold."""


@dataclass(frozen=True, kw_only=True)
class Config:
    """How samples are drawn: whom, what is sent, and with which manners.

    Attributes:
        model: The model by the provider's name.
        provider: A service by its name in ``services.toml``, such as ``fireworks``, or a base URL; None = OpenRouter.
            OpenRouter's routing object, such as ``{"only": ["deepinfra"]}``, is taken as ``routing``.
        routing: Which providers behind OpenRouter may answer, in its own terms.
        service: What a base URL is, where it does not tell: see ``token_difr.services.service_profiles``.
        endpoint: "chat", or "completions": conversations are rendered here and sent as token ids, or as text.
        raw: With "completions": strings are sent as they are, not as a user's message.
        temperature: 0 = greedy.
        top_p: 1 = off.
        max_tokens: Longest answer, in tokens, reasoning included. Unless it is given, it is lowered to what the model's
            context leaves where a server refuses that many; a number that is given is never changed.
        top_k: None = not sent.
        min_p: None = not sent.
        top_a: None = not sent.
        presence_penalty: 0 = off.
        frequency_penalty: 0 = off.
        repetition_penalty: None = not sent.
        logit_bias: Token id -> bias.
        stop: Where answers end.
        response_format: As OpenAI takes it.
        reasoning: OpenRouter's reasoning object, such as ``{"effort": "low"}``.
        include_reasoning: OpenRouter's switch.
        chat_template_kwargs: Variables of the chat template.
        seed: Of sample 0; sample i has ``seed + i``. None = 0.
        n_samples: Samples a prompt.
        logprobs: Logprobs of the tokens and of so many likeliest others at each place; 0 = the tokens' own alone.
        echo: Logprobs of the prompt too; needs "completions".
        think_tag: Whether a prompt may open the answer's thought with ``<think>``; None = as the model's family does.
        extra_body: More fields of the request.
        api_key: None = from the service's environment variable, or ``key_variable``'s.
        key_variable: Environment variable that holds the key.
        headers: More headers of every request.
        tokenizer: The model's tokenizer, its folder or name: for "completions", and to join reasoning as its chat
            template does.
        max_retries: The openai SDK's retries, with its jitter and the server's Retry-After; nothing loops around them.
        timeout: Seconds for one whole answer.
        max_answer_mb: Megabytes of one answer, decompressed.
        max_seconds: Seconds for a whole call; what is not answered then is an error in ``Rollouts.errors``.
        max_cost_usd: Ceiling on what this client spends; needs prices, or OpenRouter's own listing.
        price_input: US dollars for a million prompt tokens.
        price_output: US dollars for a million output tokens.
        requests_per_minute: Ceiling for this client, retries included, across threads and event loops.
        concurrency: Requests in flight.
        use_cache: Keep answers, and take those that are there. "sql" and "json" are the same as True.
        cache_dir: Folder of the cache's one file.
        old_cache: A cache that the ``rollouts`` package wrote (JSON or SQL): read where ours lacks an answer.
        progress_bar: Show one on standard error, if that is a terminal.
        verbose: Log each request's end at level INFO.

    Raises:
        InputError: A value out of range, or of the wrong type.
    """

    model: str
    provider: str | Mapping[str, Any] | None = None
    routing: Mapping[str, Any] | None = None
    service: str | None = None
    endpoint: Literal["chat", "completions"] = "chat"
    raw: bool = False
    temperature: float = 0.7
    top_p: float = 0.95
    max_tokens: int = DefaultTokens(4096)
    top_k: int | None = None
    min_p: float | None = None
    top_a: float | None = None
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    repetition_penalty: float | None = None
    logit_bias: Mapping[str, float] | None = None
    stop: str | Sequence[str] | None = None
    response_format: Mapping[str, Any] | None = None
    reasoning: Mapping[str, Any] | None = None
    include_reasoning: bool | None = None
    chat_template_kwargs: Mapping[str, Any] | None = None
    seed: int | None = None
    n_samples: int = 1
    logprobs: int | None = None
    echo: bool = False
    think_tag: bool | None = None
    extra_body: Mapping[str, Any] = field(default_factory=dict)
    api_key: str | None = field(default=None, repr=False)
    key_variable: str | None = None
    headers: Mapping[str, str] | None = field(default=None, repr=False)
    tokenizer: Tokenizer | str | os.PathLike[str] | None = field(default=None, repr=False)
    max_retries: int = 8
    timeout: float = 300.0
    max_answer_mb: float = MAX_ANSWER_MB
    max_seconds: float | None = None
    max_cost_usd: float | None = None
    price_input: float | None = None
    price_output: float | None = None
    requests_per_minute: float | None = None
    concurrency: int = 64
    use_cache: bool | str = True
    cache_dir: str | os.PathLike[str] = ".rollouts"
    old_cache: str | os.PathLike[str] | None = None
    progress_bar: bool = True
    verbose: bool = False

    def __post_init__(self) -> None:
        self._read_routing()
        for name, limits in RANGES.items():
            if (value := getattr(self, name)) is not None:
                object.__setattr__(self, name, _checked(name, value, *limits))
        self._check_sampling()
        self._check_client()

    def _check_sampling(self) -> None:
        if not isinstance(self.model, str) or not self.model:
            raise InputError(f"model must be a name, not {self.model!r}")
        if self.seed is not None and (type(self.seed) is not int or self.seed < 0):
            raise InputError(f"seed must be a whole number of at least 0, not {self.seed!r}")
        if self.top_p == 0:
            raise InputError("top_p must be above 0")
        if self.endpoint not in {"chat", "completions"}:
            raise InputError(f"endpoint must be 'chat' or 'completions', not {self.endpoint!r}")
        if taken := OURS & set(self.extra_body):
            raise InputError(f"{', '.join(sorted(taken))} cannot be given: n_samples and the prompt decide that")

    def _check_client(self) -> None:
        if isinstance(self.provider, str) and "@" in self.provider:
            raise InputError("provider's URL holds user-info (...@): a key is given as api_key, or by key_variable")
        if not all(isinstance(part, str) for pair in (self.headers or {}).items() for part in pair):
            raise InputError("headers must be text, names and values")
        if not isinstance(self.cache_dir, str | os.PathLike):
            raise InputError(f"cache_dir must be a folder, not {self.cache_dir!r}")
        if self.use_cache not in {True, False, "sql", "json"}:
            raise InputError(f"use_cache must be True or False, not {self.use_cache!r}")

    def _read_routing(self) -> None:
        """OpenRouter's routing object, where it was given as the provider."""
        if isinstance(self.provider, Mapping):
            if self.routing is not None:
                raise InputError("give OpenRouter's routing once: as provider= or as routing=")
            object.__setattr__(self, "routing", dict(self.provider))
            object.__setattr__(self, "provider", None)

    @classmethod
    def of(cls, model: str, options: Mapping[str, Any]) -> Self:
        """The configuration with ``options``; those that are no parameter here become fields of the request."""
        known, extra = split_options(options)
        body = {**(known.pop("extra_body", None) or {}), **extra}
        return cls(model=model, **known, extra_body=body)

    def changed(self, options: Mapping[str, Any]) -> Self:
        """The same with other values, for one call."""
        if not options:
            return self
        known, extra = split_options(options)
        provider = known.get("provider")
        if isinstance(provider, Mapping) and self.provider in {None, DEFAULT_PROVIDER}:
            known |= {"routing": known.pop("provider")}  # another way through the same provider
        elif provider is not None and provider != self.provider:
            known = {**dict.fromkeys(OF_A_PROVIDER), **known}
        body = {**self.extra_body, **(known.pop("extra_body", None) or {}), **extra}
        return dataclasses.replace(self, **known, extra_body=body)

    def to_dict(self) -> dict[str, Any]:
        """All parameters by name, as ``RolloutsClient(**config.to_dict())`` takes them; never a key, header or tokenizer."""
        named = {each.name: getattr(self, each.name) for each in dataclasses.fields(self) if each.name not in SECRET}
        return {**named, "cache_dir": os.fspath(self.cache_dir)}


def split_options(options: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Parameters of :class:`Config`, and all else. ``top_logprobs`` is the older name of ``logprobs``."""
    renamed = {("logprobs" if name == "top_logprobs" else name): value for name, value in options.items()}
    if len(renamed) != len(options):
        raise InputError("give logprobs or top_logprobs, not both: they are the same")
    if renamed.get("logprobs") is True:
        renamed["logprobs"] = 0
    elif renamed.get("logprobs") is False:
        renamed["logprobs"] = None
    names = {each.name for each in dataclasses.fields(Config)}
    known = {name: value for name, value in renamed.items() if name in names}
    return known, {name: value for name, value in renamed.items() if name not in names}


def _checked(name: str, value: Any, least: float, greatest: float) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(f"{name} must be a number, not {value!r}")
    if not least <= value <= greatest:
        limits = f"at least {least}" if math.isinf(greatest) else f"between {least} and {greatest}"
        raise InputError(f"{name} must be {limits}, not {value!r}")
    if name not in WHOLE:
        return float(value)
    if not math.isfinite(value) or value != int(value):
        raise InputError(f"{name} must be a whole number, not {value!r}")
    return value if isinstance(value, DefaultTokens) else int(value)
