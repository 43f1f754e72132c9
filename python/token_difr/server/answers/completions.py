"""OpenAI's text completions, with vLLM's and Fireworks' additions."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator

from token_difr.server.answers.answer import Answer, JsonObject
from token_difr.server.answers.completion_prompt import DEFAULT_MAX_TOKENS, CompletionPrompt
from token_difr.server.answers.dialects import LogprobWriter
from token_difr.server.answers.dialects.content import ContentLogprobs
from token_difr.server.answers.dialects.legacy import LegacyLogprobs
from token_difr.server.answers.dialects.vllm import prompt_logprobs
from token_difr.server.answers.openai_envelope import OpenAIEnvelope
from token_difr.server.answers.requests.bodies import CompletionRequest
from token_difr.server.answers.requests.limits import AskedLogprobs
from token_difr.server.answers.requests.refusals import refuse_contradictions
from token_difr.server.answers.requests.sampling import seeds_of
from token_difr.server.answers.sequences import Sequences
from token_difr.server.answers.served_model import ServedModel
from token_difr.server.generation import Generation
from token_difr.server.generation.output_cursor import OutputCursor, OutputDelta
from token_difr.server.model.tokenizer import ModelTokenizer

__all__ = ["completion_answer"]


def completion_answer(body: CompletionRequest, model: ServedModel, *, traced: bool) -> Answer:
    """The answer to ``POST /v1/completions``: n choices of every prompt, prompt by prompt.

    Args:
        body: The request.
        model: Who answers it.
        traced: Tell where the time went.

    Raises:
        ApiError: The request cannot be answered; the message says why.
    """
    model.check_name(body.model)
    refuse_contradictions(body)
    body = model.granted(body)
    prompts = CompletionPrompt.all_of(body, model)
    sequences = Sequences(body, model)
    choices: list[_Choice] = []
    for prompt in prompts:
        max_tokens = model.limits.output_tokens(prompt.token_ids, body.max_tokens, default=DEFAULT_MAX_TOKENS)
        model.limits.check_output(len(prompts) * body.n, max_tokens)
        logprobs = model.limits.checked(_asked_logprobs(body, prompt))
        for seed in seeds_of(body):
            generation = sequences.add(prompt.token_ids, max_tokens=max_tokens, seed=seed, logprobs=logprobs)
            writer = _writer(body, prompt, model, k=logprobs.output)
            index = len(choices)
            choices.append(_Choice(body, prompt, generation, model.tokenizer, writer, index=index, seed=seed))
    head = {
        "id": f"cmpl-{uuid.uuid4().hex}",
        "object": "text_completion",
        "created": int(time.time()),
        "model": model.name,
    }
    token_ids = [prompt.token_ids for prompt in prompts]
    envelope = OpenAIEnvelope(body, token_ids, sequences.generations, head=head, event_head=head, traced=traced)
    return Answer(sequences, choices, envelope)


class _Choice:
    """A sequence and the JSON that is made of it, in one piece or in several."""

    def __init__(
        self,
        body: CompletionRequest,
        prompt: CompletionPrompt,
        generation: Generation,
        tokenizer: ModelTokenizer,
        writer: LogprobWriter | None,
        *,
        index: int,
        seed: int,
    ) -> None:
        self._body = body
        self._prompt = prompt
        self._generation = generation
        self._tokenizer = tokenizer
        self._writer = writer
        self._index = index
        self._seed = seed
        self._cursor = OutputCursor(generation, tokenizer, skip_special_tokens=body.skip_special_tokens)
        self._begun = False

    def whole(self) -> JsonObject:
        """The choice of a finished sequence that was never read."""
        return next(self.pieces())

    def pieces(self) -> Iterator[JsonObject]:
        """What is new, as a choice; nothing while no text is certain."""
        delta = self._cursor.take()
        if delta is None:
            return
        first, self._begun = not self._begun, True
        echoed = self._prompt.text if first and self._prompt.is_echoed else ""
        choice: JsonObject = {
            "index": self._index,
            "text": echoed + delta.text,
            "logprobs": self._logprobs(delta, first=first),
            "finish_reason": delta.finish_reason,
            "stop_reason": self._generation.stop_reason if delta.finish_reason else None,
            "seed": self._seed,
        }
        if self._body.prompt_logprobs is not None:
            choice["prompt_logprobs"] = self._prompt_logprobs()
        if self._body.return_token_ids:
            choice["prompt_token_ids"] = self._prompt.token_ids if first else None
            choice["token_ids"] = delta.token_ids
        yield choice

    def _logprobs(self, delta: OutputDelta, *, first: bool) -> JsonObject | None:
        if self._writer is None:
            return None
        if first and self._prompt.is_echoed:
            rows, echoed = self._generation.prompt_rows, self._prompt.echoed
            self._writer.add_prompt(self._prompt.token_ids, rows, last=echoed)
        if delta.rows is not None:
            self._writer.add_output(delta.rows, delta.sampling_logprobs)
        return self._writer.take()

    def _prompt_logprobs(self) -> list[JsonObject | None]:
        rows, k = self._generation.prompt_rows, self._body.prompt_logprobs or 0
        if rows is not None and k >= 0:
            rows = rows.narrow(k)
        return prompt_logprobs(rows, self._tokenizer)


def _asked_logprobs(body: CompletionRequest, prompt: CompletionPrompt) -> AskedLogprobs:
    """The prompt's rows are made once, for whoever asks for most of them: ``prompt_logprobs`` or the echo."""
    output = _top_count(body)
    counts = [count for count in (body.prompt_logprobs, output if prompt.is_echoed else None) if count is not None]
    most = -1 if -1 in counts else max(counts, default=None)
    return AskedLogprobs(
        output=output,
        prompt=most,
        sampling=body.logprobs is True,
        chosen_ids=tuple(body.logprob_token_ids or ()),
        output_field="top_logprobs" if body.logprobs is True else "logprobs",
        chosen_field="logprob_token_ids",
    )


def _top_count(body: CompletionRequest) -> int | None:
    """Likeliest tokens a row by ``logprobs``; None = no logprobs."""
    if body.logprobs is None or body.logprobs is False:
        return None
    return (body.top_logprobs or 0) if body.logprobs is True else body.logprobs


def _writer(
    body: CompletionRequest, prompt: CompletionPrompt, model: ServedModel, *, k: int | None
) -> LogprobWriter | None:
    if k is None:
        return None
    as_ids, skip = body.return_tokens_as_token_ids, body.skip_special_tokens
    leading = model.leading_token if prompt.from_text else None
    if body.logprobs is True:
        return ContentLogprobs(
            model.tokenizer, k=k, as_token_ids=as_ids, completions=True, skip_special_tokens=skip, leading=leading
        )
    return LegacyLogprobs(model.tokenizer, k=k, as_token_ids=as_ids, skip_special_tokens=skip, leading=leading)
