"""One prompt and its parameters as requests: where they go, what they say, and the key of each sample's answer."""

from __future__ import annotations

import functools
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from token_difr.answers import check_prompts
from token_difr.endpoint.failures import SECRET_HEADER
from token_difr.errors import InputError, PromptError
from token_difr.rollouts.abilities import TINKER, check_able, where
from token_difr.rollouts.answer import Join
from token_difr.rollouts.config import Config
from token_difr.rollouts.thinking import CLOSE, OPEN, begun_thought, check_injection, family_of
from token_difr.sequences import ReasoningJoiner, load_tokenizer, rendered_text
from token_difr.services import ServiceProfile

if TYPE_CHECKING:
    from token_difr.records import Conversation
    from token_difr.sequences import Tokenizer

__all__ = ["Plan", "plan_requests", "tokenizer_of"]

CHAT, COMPLETIONS = "/chat/completions", "/completions"
UNSENT_IF_OFF = {"presence_penalty": 0.0, "frequency_penalty": 0.0}
"""Values that need not be said where a service does not take them."""

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
class Plan:
    """All requests of one prompt: they differ in their seed alone.

    Attributes:
        url: Base URL, as it may be stored and shown; "tinker" for its SDK.
        profile: What is known of the service.
        path: Where requests go, below the URL.
        body: The request without its seed.
        seeds: One a sample.
        sends_seed: Whether the seed is sent; it is a part of the key in any case.
        prompt_text: The prompt, where it was rendered here.
        prompt_token_ids: The same as token ids, where it is sent so.
        begun: The beginning of the answer that the prompt hands over.
        headers: More headers of the requests: gateways route by them.
        join: How reasoning and answer are joined; None = not known.
    """

    url: str
    profile: ServiceProfile
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
        parts = [self.url, self.path, self.body, *([routing] if routing else [])]
        canonical = json.dumps(parts, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode("utf-8", "surrogatepass"))


def plan_requests(config: Config, prompt: str | Sequence[Mapping[str, Any]], n_samples: int) -> Plan:
    """The requests of ``prompt``.

    Raises:
        InputError: Something that the provider cannot do, with who can; nothing has been sent then.
    """
    url, profile = where(config)
    check_able(config, profile)
    first = config.seed or 0
    tokenizer = None if config.tokenizer is None else tokenizer_of(config)
    if config.endpoint == "completions" or url == TINKER:
        text, begun = _prompt_text(config, prompt)
        body = {"model": config.model, **_fields(config, profile), **_completion(config, profile, text)}
        path = COMPLETIONS
    else:
        text = ""
        messages, begun = _messages(config, prompt)
        body = {
            "model": config.model,
            "messages": messages,
            **_fields(config, profile),
            **_chat(config, profile, begun),
        }
        path = CHAT
    _check_sendable(body)
    prompt_ids = body.get("prompt")
    return Plan(
        url=url,
        profile=profile,
        path=path,
        body=body,
        seeds=tuple(range(first, first + n_samples)),
        sends_seed=profile.accepts("seed") or url == TINKER,
        prompt_text=text,
        prompt_token_ids=prompt_ids if isinstance(prompt_ids, list) else None,
        begun=begun,
        headers=config.headers,
        join=None if tokenizer is None else _joiner(config, tokenizer, prompt),
    )


def tokenizer_of(config: Config) -> Tokenizer:
    """The model's tokenizer.

    Raises:
        InputError: None was given, or it cannot be loaded.
    """
    if config.tokenizer is None:
        raise InputError(
            f"the prompt of {config.model} is rendered here: give its tokenizer, as tokenizer= (a name on the hub, a "
            "folder or a transformers tokenizer), or raw=True with a text that needs no chat template"
        )
    if isinstance(config.tokenizer, str | os.PathLike):
        return _loaded(os.fspath(config.tokenizer))
    return config.tokenizer


@functools.lru_cache(maxsize=8)
def _loaded(name: str) -> Tokenizer:
    return load_tokenizer(name)


def _check_sendable(body: Mapping[str, Any]) -> None:
    try:
        json.dumps(body, sort_keys=True, allow_nan=False, ensure_ascii=False).encode("utf-8")
    except (TypeError, ValueError, RecursionError) as error:  # UnicodeEncodeError is a ValueError
        raise InputError(f"the request cannot be sent as JSON: {error!r:.200}") from error


def _fields(config: Config, profile: ServiceProfile) -> dict[str, Any]:
    """Fields that both endpoints take."""
    given = {name: getattr(config, name) for name in SAMPLING}
    unsaid = {name for name, off in UNSENT_IF_OFF.items() if given[name] == off and not profile.accepts(name)}
    fields = {name: _json(value) for name, value in given.items() if value is not None and name not in unsaid}
    if config.routing is not None:
        fields["provider"] = dict(config.routing)
    if profile.accepts("return_token_ids"):
        fields["return_token_ids"] = True
    return {**fields, **config.extra_body}


def _chat(config: Config, profile: ServiceProfile, begun: str) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    if config.logprobs is not None:
        fields |= profile.logprobs_fields(config.logprobs)
    if config.chat_template_kwargs:
        fields["chat_template_kwargs"] = dict(config.chat_template_kwargs)
    if begun and profile.name in {"vllm", "sglang"}:  # others go on with an assistant's message of themselves
        fields["continue_final_message"] = True
        if profile.name == "vllm":
            fields["add_generation_prompt"] = False
    return fields


def _completion(config: Config, profile: ServiceProfile, text: str) -> dict[str, Any]:
    fields: dict[str, Any] = {"prompt": text}
    if (profile.completions == "ids" and not config.raw) or config.provider == TINKER:
        encode = tokenizer_of(config).encode
        fields["prompt"] = list(encode(text, add_special_tokens=False, split_special_tokens=False))
    if config.logprobs is not None and profile.name == "fireworks":
        fields |= {"logprobs": True, "top_logprobs": config.logprobs}
    elif config.logprobs is not None:
        fields["logprobs"] = max(config.logprobs, 1 if profile.logprobs_form == "number" else 0)
    return {**fields, "echo": True} if config.echo else fields


def _messages(config: Config, prompt: str | Sequence[Mapping[str, Any]]) -> tuple[Conversation, str]:
    """The conversation as it is sent, and the answer's beginning that it ends with."""
    begun = ""
    if isinstance(prompt, str):
        split = begun_thought(prompt)
        if split is not None and check_injection(config.model, config.think_tag):
            prompt, begun = split
    else:
        prompt = _messages_given(prompt)
        if prompt and prompt[-1].get("role") == "assistant":
            begun, prompt = _handed_over(config, prompt[-1]), prompt[:-1]
    asked = prompt if isinstance(prompt, str) else [dict(message) for message in prompt]
    (messages,) = check_prompts([asked])
    return ([*messages, {"role": "assistant", "content": begun}] if begun else messages), begun


def _messages_given(prompt: object) -> Sequence[Mapping[str, Any]]:
    if not isinstance(prompt, Sequence) or not all(isinstance(message, Mapping) for message in prompt):
        raise PromptError(f"a prompt is a text or a list of messages, not {prompt!r:.200}")
    return prompt


def _handed_over(config: Config, message: Mapping[str, Any]) -> str:
    """The assistant's message that the model goes on with."""
    begun = message.get("content")
    if not isinstance(begun, str) or not begun:
        raise PromptError("the assistant's message at the end has no text to go on with")
    if OPEN in begun:
        unknown = config.think_tag is None and family_of(config.model) is None
        check_injection(config.model, True if unknown else config.think_tag)
    return begun


def _prompt_text(config: Config, prompt: str | Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    """The prompt as text, rendered unless it is raw, and the answer's beginning at its end."""
    if config.raw:
        if not isinstance(prompt, str) or not prompt:
            raise InputError("raw=True takes a text, which is sent as it is")
        tail = prompt.rpartition(OPEN)
        return prompt, tail[1] + tail[2] if tail[1] and CLOSE not in tail[2] else ""
    messages, begun = _messages(config, prompt)
    question = messages[:-1] if begun else messages
    text = rendered_text(
        question, tokenizer_of(config), add_generation_prompt=True, variables=config.chat_template_kwargs
    )
    opened = text.rstrip().endswith(OPEN)  # the template has opened the thought already
    return text + (begun.removeprefix(OPEN).lstrip("\n") if opened else begun), begun or (OPEN if opened else "")


def _joiner(config: Config, tokenizer: Tokenizer, prompt: str | Sequence[Mapping[str, Any]]) -> Join:
    asked = prompt if isinstance(prompt, str) else [dict(message) for message in prompt]
    conversation = [{"role": "user", "content": asked}] if isinstance(asked, str) else asked
    joined = functools.cache(lambda: ReasoningJoiner(tokenizer, config.chat_template_kwargs).join(conversation))

    def join(reasoning: str, content: str) -> str:
        try:
            return "".join(text for text, _ in joined().pieces(reasoning, content))
        except InputError:  # the provider's template took the conversation, ours refuses it
            return f"{reasoning}{CLOSE}{content}"

    return join


def _json(value: Any) -> Any:
    """Mappings and sequences as JSON has them."""
    if isinstance(value, Mapping):
        return {str(name): item for name, item in value.items()}
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else value
