"""SGLang's native form."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from typing import Any

from token_difr.server.answers.answer import Answer, JsonObject
from token_difr.server.answers.dialects.sglang import chosen_entries, input_logprobs, output_logprobs
from token_difr.server.answers.requests.error import bad_request
from token_difr.server.answers.requests.limits import AskedLogprobs
from token_difr.server.answers.requests.sampling import seeds_of
from token_difr.server.answers.requests.sglang import GenerateRequest
from token_difr.server.answers.sequences import Sequences
from token_difr.server.answers.served_model import ServedModel
from token_difr.server.generation import Generation
from token_difr.server.generation.logprob_rows import concatenate_rows
from token_difr.server.generation.output_cursor import OutputCursor
from token_difr.server.model.tokenizer import ModelTokenizer

__all__ = ["generate_answer"]

_DEFAULT_MAX_TOKENS = 128


def generate_answer(body: GenerateRequest, model: ServedModel) -> Answer:
    """The answer to ``POST /generate``: one object, or for a list of prompts a list.

    Args:
        body: The request.
        model: Who answers it.

    Raises:
        ApiError: The request cannot be answered; the message says why.
    """
    model.check_name(body.model)
    prompts, several = _prompts(body, model)
    if body.stream and several:
        raise bad_request("stream takes one prompt.", param="stream")
    fields = body.generation_fields
    sequences = Sequences(fields, model)
    choices = []
    for prompt in prompts:
        wanted = body.sampling_params.max_new_tokens
        max_tokens = model.limits.output_tokens(prompt, wanted, default=_DEFAULT_MAX_TOKENS)
        model.limits.check_output(len(prompts), max_tokens)
        logprobs = _asked_logprobs(body, prompt, model)
        generation = sequences.add(prompt, max_tokens=max_tokens, seed=seeds_of(fields)[0], logprobs=logprobs)
        choices.append(_Choice(body, generation, model.tokenizer, k=logprobs.output))
    return Answer(sequences, choices, _Envelope(several=several))


def _prompts(body: GenerateRequest, model: ServedModel) -> tuple[list[list[int]], bool]:
    """The prompts' ids, and whether they came as a list."""
    if (body.text is None) == (body.input_ids is None):
        raise bad_request("Give either text or input_ids.", param="text")
    given: Any = body.text if body.text is not None else body.input_ids
    several = isinstance(given, list) and bool(given) and not isinstance(given[0], int)
    prompts = given if several else [given]
    model.limits.check_sequences(len(prompts))
    return [_token_ids(prompt, model) for prompt in prompts], several


def _token_ids(prompt: str | list[int], model: ServedModel) -> list[int]:
    if not isinstance(prompt, str):
        return prompt
    model.limits.check_text(prompt)
    return model.tokenizer.encode(prompt, add_special_tokens=True)


def _asked_logprobs(body: GenerateRequest, prompt: list[int], model: ServedModel) -> AskedLogprobs:
    k = body.top_logprobs_num if body.return_logprob else None
    if body.scores_prompt and body.logprob_start_len >= len(prompt):
        raise bad_request("logprob_start_len lies behind the prompt.", param="logprob_start_len")
    asked = AskedLogprobs(
        output=k,
        prompt=k if body.scores_prompt else None,
        chosen_ids=tuple(body.token_ids_logprob or ()),
        output_field="top_logprobs_num",
    )
    return model.limits.checked(asked)


class _Envelope:
    """Nothing stands around an answer but the list of several ones."""

    def __init__(self, *, several: bool) -> None:
        self._several = several

    def whole(self, choices: list[JsonObject]) -> Any:
        """The only answer, or the list of all."""
        return choices if self._several else choices[0]

    def event(self, piece: JsonObject) -> JsonObject:
        """The piece itself."""
        return piece

    def closing_events(self) -> Iterator[JsonObject]:
        """None."""
        return iter(())


class _Choice:
    """One prompt's answer; in a stream each event holds the whole text so far, as SGLang's do."""

    def __init__(
        self, body: GenerateRequest, generation: Generation, tokenizer: ModelTokenizer, *, k: int | None
    ) -> None:
        self._body = body
        self._k = 0 if k is None else k
        self._generation = generation
        self._tokenizer = tokenizer
        self._started = time.monotonic()
        skip = body.sampling_params.skip_special_tokens
        self._cursor = OutputCursor(generation, tokenizer, skip_special_tokens=skip)
        self._text = ""
        self._id = body.rid or uuid.uuid4().hex

    def whole(self) -> JsonObject:
        """The answer of a finished sequence that was never read."""
        return next(self.pieces())

    def pieces(self) -> Iterator[JsonObject]:
        """The answer so far, if it grew."""
        delta = self._cursor.take()
        if delta is not None:
            self._text += delta.text
            yield self._object(delta.finish_reason)

    def _object(self, finish_reason: str | None) -> JsonObject:
        generation = self._generation
        output = list(generation.output)
        meta: JsonObject = {
            "id": self._id,
            "finish_reason": self._finish_reason(finish_reason, output),
            "prompt_tokens": len(generation.spec.prompt),
            "completion_tokens": len(output),
            "cached_tokens": generation.cached_tokens,
            "e2e_latency": time.monotonic() - self._started,
            "seed": generation.spec.sampling.seed,
        }
        if self._body.return_logprob:
            meta |= self._logprobs(len(output))
        return {"text": self._text, "output_ids": output, "meta_info": meta}

    def _finish_reason(self, reason: str | None, output: list[int]) -> JsonObject | None:
        if reason is None:
            return None
        if reason == "length":
            return {"type": "length", "length": len(output)}
        stop = self._generation.stop_string
        return {"type": "stop", "matched": output[-1] if stop is None else stop}

    def _logprobs(self, count: int) -> JsonObject:
        """The lists of the prompt and of the first ``count`` tokens of the output."""
        body, generation, tokenizer = self._body, self._generation, self._tokenizer
        k, texts, start = self._k, body.return_text_in_logprobs, body.logprob_start_len
        rows = concatenate_rows(generation.output_rows[:count]) if count else None
        lists = output_logprobs(rows, tokenizer, k=k, texts=texts)
        if body.scores_prompt:
            prompt = generation.spec.prompt
            lists |= input_logprobs(prompt, generation.prompt_rows, tokenizer, start=start, k=k, texts=texts)
        chosen = list(generation.spec.chosen_ids)
        if chosen:
            rows_of_output = generation.chosen_in_output[:count]
            lists["output_token_ids_logprobs"] = chosen_entries(rows_of_output, chosen, tokenizer, texts=texts)
        if chosen and body.scores_prompt:
            entries = chosen_entries(generation.chosen_in_prompt[start:], chosen, tokenizer, texts=texts)
            lists["input_token_ids_logprobs"] = [None, *entries]
        return lists
