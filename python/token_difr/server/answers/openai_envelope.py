"""OpenAI's objects around choices: identity, ``usage`` and, where the request asks for it, ``trace``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from token_difr.server.answers.answer import JsonObject
from token_difr.server.answers.requests.bodies import GenerationFields
from token_difr.server.generation import Generation

__all__ = ["OpenAIEnvelope"]

_PHASES = (
    ("queue_ms", "submitted", "started"),
    ("prefill_ms", "started", "prefilled"),
    ("decode_ms", "prefilled", "done"),
)


class OpenAIEnvelope:
    """The objects around the choices of a completion or a chat completion.

    Args:
        body: Says whether a stream tells its usage.
        prompts: Token ids of each prompt.
        generations: The sequences, as many a prompt, prompt by prompt.
        head: First fields of a whole answer.
        event_head: First fields of an event.
        traced: Tell where the time went.
    """

    def __init__(
        self,
        body: GenerationFields,
        prompts: Sequence[Sequence[int]],
        generations: Sequence[Generation],
        *,
        head: JsonObject,
        event_head: JsonObject,
        traced: bool,
    ) -> None:
        self._prompts = prompts
        self._generations = generations
        self._head = head
        self._event_head = event_head
        self._traced = traced
        options = body.stream_options
        self._streams_usage = options is not None and options.include_usage
        self._counts_on = options is not None and options.continuous_usage_stats
        self._begun = False

    def whole(self, choices: list[JsonObject]) -> JsonObject:
        """The body of a whole answer."""
        return {**self._head, "choices": choices, "usage": self._usage(), **self.prompt_fields(), **self._trace()}

    def event(self, piece: JsonObject) -> JsonObject:
        """A choice's piece as an event."""
        return self._event([piece], self._usage() if self._counts_on else None)

    def closing_events(self) -> Iterator[JsonObject]:
        """The usage and the trace, where they were asked for."""
        if self._streams_usage or self._traced:
            yield self._event([], self._usage()) | self._trace()

    def prompt_fields(self) -> JsonObject:
        """What a whole answer tells of its prompt beside the choices."""
        return {}

    def first_event_fields(self) -> JsonObject:
        """What only the first event of a stream holds."""
        return {}

    def _event(self, choices: list[JsonObject], total: JsonObject | None) -> JsonObject:
        # OpenAI: with include_usage every chunk but the last has usage null.
        usage = {"usage": total} if self._streams_usage else {}
        first = {} if self._begun else self.first_event_fields()
        self._begun = True
        return {**self._event_head, "choices": choices, **usage, **first}

    def _usage(self) -> JsonObject:
        """Tokens of the prompts, each counted once, and of all choices.

        What of a prompt was cached is what its first choice found: the others find what that one has just computed.
        """
        a_prompt = len(self._generations) // len(self._prompts)
        prompt = sum(len(token_ids) for token_ids in self._prompts)
        completion = sum(len(generation.output) for generation in self._generations)
        return {
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion,
            "prompt_tokens_details": {
                "cached_tokens": sum(generation.cached_tokens for generation in self._generations[::a_prompt])
            },
        }

    def _trace(self) -> JsonObject:
        """Milliseconds of waiting, feeding the prompt and generating, one object a choice."""
        if not self._traced:
            return {}
        times = [generation.times for generation in self._generations]
        return {"trace": [{name: round(1000 * (t[end] - t[start]), 3) for name, start, end in _PHASES} for t in times]}
