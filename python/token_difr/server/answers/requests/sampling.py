"""From the fields of a request to the specification of its sequences."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from token_difr.server.answers.requests.bodies import GenerationFields
from token_difr.server.generation import GenerationSpec
from token_difr.server.generation.sampling import SamplingSettings
from token_difr.server.generation.text.output_text import OutputText
from token_difr.server.http.errors import bad_request
from token_difr.server.service import ModelService
from token_difr.server.settings import ServerSettings

__all__ = ["check_prompt", "make_spec", "output_text", "request_seed", "stop_strings"]


def request_seed(fields: GenerationFields) -> int:
    """The request's seed modulo 2^64, or a fresh one of 32 bits (more the noise does not use); the answer tells it."""
    return secrets.randbits(32) if fields.seed is None else fields.seed % 2**64


def stop_strings(fields: GenerationFields) -> list[str]:
    """The stop strings as a list, empty ones left out."""
    stops = [fields.stop] if isinstance(fields.stop, str) else fields.stop or []
    return [stop for stop in stops if stop]


def output_text(fields: GenerationFields, service: ModelService) -> OutputText | None:
    """What follows the text of a sequence, where a stream or a stop string needs that."""
    stops = stop_strings(fields)
    if not stops and not fields.stream:
        return None
    return OutputText(
        service.folder.tokenizer,
        stops,
        include_stop=fields.include_stop_str_in_output,
        skip_special_tokens=fields.skip_special_tokens,
    )


def check_prompt(prompt: Sequence[int], max_tokens: int | None, service: ModelService, *, default: int | None) -> int:
    """The number of tokens to generate; 400 where prompt and output do not fit.

    Args:
        prompt: Token ids.
        max_tokens: What the request asks for.
        service: Knows the context.
        default: Taken where the request asks for nothing; None = all that is left of the context.
    """
    context, width = service.folder.context_length, service.engine.vocabulary_size
    if not prompt:
        raise bad_request("The prompt is empty: at least one token is needed.", param="prompt")
    if max(prompt) >= width:
        raise bad_request(
            f"The prompt holds token id {max(prompt)}; the model's ids end at {width - 1}.", param="prompt"
        )
    left = context - len(prompt)
    wanted = max_tokens if max_tokens is not None else (left if default is None else min(default, max(left, 0)))
    if left < 0 or wanted > left or (left == 0 and max_tokens is None):
        raise bad_request(
            f"This model's maximum context length is {context} tokens. However, you requested "
            f"{len(prompt) + max(wanted, 0)} tokens ({len(prompt)} in the prompt, {max(wanted, 0)} for the completion).",
            param="max_tokens" if left > 0 else "prompt",
            code="context_length_exceeded",
        )
    return wanted


def make_spec(
    fields: GenerationFields,
    service: ModelService,
    *,
    prompt: Sequence[int],
    max_tokens: int,
    seed: int,
    logprobs: int | None,
    prompt_logprobs: int | None,
    sampling_logprobs: bool = False,
    chosen_ids: Sequence[int] = (),
) -> GenerationSpec:
    """One sequence of a request.

    Args:
        fields: The request.
        service: The model.
        prompt: Token ids.
        max_tokens: Tokens to generate.
        seed: Seed of this sequence.
        logprobs: Likeliest tokens reported with each generated one.
        prompt_logprobs: The same for the prompt.
        sampling_logprobs: Also each token's logprob after the filters.
        chosen_ids: Tokens whose logprobs are reported at every position.
    """
    ends = frozenset(fields.stop_token_ids or ())
    return GenerationSpec(
        prompt=prompt,
        max_tokens=max_tokens,
        sampling=_settings(fields, seed, service),
        end_token_ids=ends if fields.ignore_eos else ends | service.folder.end_token_ids,
        logprobs=_checked_count(logprobs, service, "logprobs"),
        prompt_logprobs=_checked_count(prompt_logprobs, service, "prompt_logprobs"),
        sampling_logprobs=sampling_logprobs,
        chosen_ids=tuple(chosen_ids),
    )


def _checked_count(count: int | None, service: ModelService, param: str) -> int | None:
    largest = service.settings.max_logprobs
    if count == -1:
        count = service.engine.vocabulary_size
    if count is not None and largest != -1 and count > largest:
        raise bad_request(f"{param} is {count}; this server gives at most {largest}.", param=param)
    return count


def _settings(fields: GenerationFields, seed: int, service: ModelService) -> SamplingSettings:
    penalty = fields.repetition_penalty if fields.repetition_penalty is not None else fields.repeat_penalty
    window = fields.repeat_last_n
    served = service.settings
    if served.sampler.filters == "sglang" and fields.min_p and fields.seed is not None:
        raise bad_request("SGLang takes no min_p together with a seed, and this server samples as it.", param="min_p")
    return SamplingSettings(
        temperature=(1.0 if fields.temperature is None else fields.temperature) * served.temperature_scale,
        top_k=max(fields.top_k or 0, 0),
        top_p=served.force_top_p or (1.0 if fields.top_p is None else fields.top_p),
        min_p=fields.min_p or 0.0,
        seed=_seed(seed, served),
        repetition_penalty=1.0 if penalty is None else penalty,
        repetition_window=None if window in (None, -1) else window,
        presence_penalty=fields.presence_penalty or 0.0,
        frequency_penalty=fields.frequency_penalty or 0.0,
        logit_bias=_logit_bias(fields.logit_bias or {}, service.engine.vocabulary_size),
        sampler=served.sampler,
    )


def _seed(seed: int, served: ServerSettings) -> int:
    """The seed that is used: the request's, unless the server deviates."""
    if served.ignore_seed:
        return secrets.randbits(32)
    return seed if served.force_seed is None else served.force_seed


def _logit_bias(bias: dict[str, float], vocabulary_size: int) -> dict[int, float]:
    checked = {}
    for key, value in bias.items():
        if not key.isascii() or not key.isdecimal() or len(key) > 10 or int(key) >= vocabulary_size:
            raise bad_request(f"logit_bias: {key[:40]!r} is no token id of this model.", param="logit_bias")
        if not -100 <= value <= 100:
            raise bad_request(f"logit_bias of token {key} must lie in [-100, 100].", param="logit_bias")
        checked[int(key)] = value
    return checked
