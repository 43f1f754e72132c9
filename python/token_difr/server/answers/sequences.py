"""The sequences of one request."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from token_difr.server.answers.requests.bodies import GenerationFields
from token_difr.server.answers.requests.error import bad_request
from token_difr.server.answers.requests.limits import AskedLogprobs
from token_difr.server.answers.served_model import ServedModel
from token_difr.server.generation import Generation, GenerationSpec
from token_difr.server.generation.text.output_text import OutputText

__all__ = ["Sequences"]


class Sequences:
    """The sequences of one request, and the event that is set whenever one of them changes.

    May be made in any thread; :meth:`attach` ties it to the loop that waits for the event, before anything is generated.

    Args:
        fields: What the request asks of each of them.
        model: Who generates them.
    """

    def __init__(self, fields: GenerationFields, model: ServedModel) -> None:
        self.generations: list[Generation] = []
        self.changed = asyncio.Event()
        self._fields = fields
        self._model = model
        self._masks = model.masks(fields)
        self._wake: Callable[[], None] | None = None

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Lets changes wake those who wait in this loop."""
        self._wake = _setting(self.changed, loop)

    @property
    def done(self) -> bool:
        """Whether all have come to their end."""
        return all(generation.done for generation in self.generations)

    def add(self, prompt: Sequence[int], *, max_tokens: int, seed: int, logprobs: AskedLogprobs) -> Generation:
        """One more sequence.

        Args:
            prompt: Token ids, checked.
            max_tokens: Tokens to generate, checked.
            seed: What the request asks it to be sampled with.
            logprobs: What it reports.
        """
        model, fields, width = self._model, self._fields, self._model.limits.vocabulary_size
        own = frozenset() if fields.ignore_eos else model.end_token_ids
        named = frozenset(fields.stop_token_ids or ())
        if fields.min_tokens > max_tokens > 0:
            message = f"min_tokens is {fields.min_tokens}, and at most {max_tokens} tokens are generated."
            raise bad_request(message, param="min_tokens")
        sampling = model.sampling.settings(fields, seed=seed, vocabulary_size=width, masks=self._masks)
        given = model.limits.checked(logprobs)
        spec = GenerationSpec(
            prompt=prompt,
            max_tokens=max_tokens,
            sampling=sampling,
            end_token_ids=named | own,
            stop_token_ids=named - own,
            keeps_stop=fields.keeps_stop,
            min_tokens=fields.min_tokens,
            logprobs=given.output,
            prompt_logprobs=given.prompt,
            sampling_logprobs=given.sampling,
            chosen_ids=given.chosen_ids,
        )
        generation = Generation(
            spec,
            width,
            text=self._text(prompt),
            faults=model.faults,
            on_change=self._notify,
        )
        self.generations.append(generation)
        return generation

    def _notify(self) -> None:
        if self._wake is not None:
            self._wake()

    def cancel(self) -> None:
        """Nobody waits for them any more."""
        for generation in self.generations:
            generation.cancelled = True

    def _text(self, prompt: Sequence[int]) -> OutputText | None:
        """What follows the text of a sequence, where a stream or a stop string needs that."""
        fields = self._fields
        stops = [fields.stop] if isinstance(fields.stop, str) else fields.stop or []
        if not any(stops) and not fields.stream:
            return None
        return OutputText(
            self._model.tokenizer,
            stops,
            include_stop=fields.keeps_stop,
            skip_special_tokens=fields.skip_special_tokens,
            context=prompt,
        )


def _setting(event: asyncio.Event, loop: asyncio.AbstractEventLoop) -> Callable[[], None]:
    """A function for other threads that sets an event of a loop."""

    def wake() -> None:
        # Nobody is left to wake once the loop has ended.
        if not loop.is_closed():
            loop.call_soon_threadsafe(event.set)

    return wake
