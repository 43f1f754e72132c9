"""``POST /generate``, SGLang's native form."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import Field
from starlette.requests import Request

from token_difr.server.answers.dialects.sglang import chosen_entries, input_logprobs, output_logprobs
from token_difr.server.answers.requests.bodies import GenerationFields, StrictBody, TokenId
from token_difr.server.answers.requests.sampling import check_prompt, make_spec, output_text, request_seed
from token_difr.server.generation.logprob_rows import concatenate_rows
from token_difr.server.generation.output_cursor import OutputCursor
from token_difr.server.http.errors import bad_request
from token_difr.server.http.event_stream import STREAM_RESPONSES, event_stream
from token_difr.server.http.json_answer import JsonAnswer
from token_difr.server.http.json_requests import JsonRoute
from token_difr.server.service import ModelService

__all__ = ["generate_router"]

_DEFAULT_MAX_TOKENS = 128


class SglangSampling(StrictBody):
    """SGLang's sampling parameters."""

    max_new_tokens: int | None = Field(default=None, ge=0)
    temperature: float | None = Field(default=None, ge=0, le=100)
    top_p: float | None = Field(default=None, gt=0, le=1)
    top_k: int | None = Field(default=None, ge=-1, lt=2**31)
    min_p: float | None = Field(default=None, ge=0, le=1)
    frequency_penalty: float | None = Field(default=None, ge=-2, le=2)
    presence_penalty: float | None = Field(default=None, ge=-2, le=2)
    repetition_penalty: float | None = Field(default=None, ge=0.01, le=100)
    stop: str | Annotated[list[str], Field(max_length=16)] | None = None
    stop_token_ids: list[TokenId] | None = None
    ignore_eos: bool = False
    skip_special_tokens: bool = True
    sampling_seed: int | None = Field(default=None, ge=-(2**63), lt=2**64)


class GenerateRequest(StrictBody):
    """The body: one prompt, or a list of them, as text or as ids."""

    text: str | list[str] | None = None
    input_ids: list[TokenId] | list[list[TokenId]] | None = None
    sampling_params: SglangSampling = SglangSampling()
    return_logprob: bool = False
    logprob_start_len: int = Field(default=-1, ge=-1)
    top_logprobs_num: int = Field(default=0, ge=0)
    token_ids_logprob: list[TokenId] | None = Field(default=None, description="tokens to report at every position")
    return_text_in_logprobs: bool = False
    stream: bool = False
    rid: str | None = None


def generate_router(service: ModelService) -> APIRouter:
    """The route on this model."""
    router = APIRouter(route_class=JsonRoute)

    @router.post("/generate", responses=STREAM_RESPONSES)
    async def generate(body: GenerateRequest, request: Request) -> Response:
        """Continues prompts; with logprobs of the prompt from ``logprob_start_len`` on."""
        served = service.pick(body)
        notify = asyncio.Event()
        prompts, several = _prompts(body, served)
        if body.stream and several:
            raise bad_request("stream takes one prompt.", param="stream")
        answers = [_Answer(body, served, prompt, notify) for prompt in prompts]
        generations = [answer.generation for answer in answers]
        if body.stream:
            return await event_stream(
                served, generations, notify, request, produce=answers[0].events, conclude=lambda: ()
            )
        await served.complete(generations, notify, request)
        whole = [answer.whole() for answer in answers]
        return JsonAnswer(whole if several else whole[0])

    return router


def _prompts(body: GenerateRequest, service: ModelService) -> tuple[list[list[int]], bool]:
    if (body.text is None) == (body.input_ids is None):
        raise bad_request("Give either text or input_ids.", param="text")
    given: Any = body.text if body.text is not None else body.input_ids
    several = isinstance(given, list) and bool(given) and not isinstance(given[0], int)
    prompts = given if several else [given]
    service.check_count(len(prompts))
    encode = service.folder.tokenizer.encode
    return [encode(p, add_special_tokens=True) if isinstance(p, str) else p for p in prompts], several


class _Answer:
    """One prompt's answer; in a stream each event holds the whole text so far, as SGLang's do."""

    def __init__(self, body: GenerateRequest, service: ModelService, prompt: list[int], notify: asyncio.Event) -> None:
        self._body = body
        self._service = service
        self._started = time.monotonic()
        parameters = body.sampling_params.model_dump(exclude={"max_new_tokens", "sampling_seed"})
        fields = GenerationFields(**parameters, seed=body.sampling_params.sampling_seed, stream=body.stream)
        limit = body.sampling_params.max_new_tokens
        max_tokens = check_prompt(prompt, limit, service, default=_DEFAULT_MAX_TOKENS)
        k = body.top_logprobs_num if body.return_logprob else None
        self._scores_prompt = body.return_logprob and body.logprob_start_len >= 0
        if self._scores_prompt and body.logprob_start_len >= len(prompt):
            raise bad_request("logprob_start_len lies behind the prompt.", param="logprob_start_len")
        spec = make_spec(
            fields,
            service,
            prompt=prompt,
            max_tokens=max_tokens,
            seed=request_seed(fields),
            logprobs=k,
            prompt_logprobs=k if self._scores_prompt else None,
            chosen_ids=self._chosen(service),
        )
        self.generation = service.generation(spec, text=output_text(fields, service), notify=notify)
        skip = body.sampling_params.skip_special_tokens
        self._cursor = OutputCursor(self.generation, service.folder.tokenizer, skip_special_tokens=skip)
        self._text = ""
        self._id = body.rid or uuid.uuid4().hex

    def _chosen(self, service: ModelService) -> list[int]:
        chosen = self._body.token_ids_logprob or []
        largest = service.settings.max_logprobs
        if 0 <= largest < len(chosen):
            raise bad_request(
                f"token_ids_logprob names {len(chosen)} ids; this server gives at most {largest} logprobs a position.",
                param="token_ids_logprob",
            )
        if max(chosen, default=0) >= service.engine.vocabulary_size:
            raise bad_request("token_ids_logprob holds an id that the model does not have.", param="token_ids_logprob")
        return chosen

    def events(self) -> Iterator[dict[str, Any]]:
        """The answer so far, if it grew."""
        delta = self._cursor.take()
        if delta is not None:
            self._text += delta.text
            yield self._object(delta.finish_reason)

    def whole(self) -> dict[str, Any]:
        """The answer of a finished sequence that was never read."""
        return next(self.events())

    def _object(self, reason: str | None) -> dict[str, Any]:
        generation = self.generation
        output = list(generation.output)
        meta: dict[str, Any] = {
            "id": self._id,
            "finish_reason": self._finish_reason(reason, output),
            "prompt_tokens": len(generation.spec.prompt),
            "completion_tokens": len(output),
            "cached_tokens": generation.cached_tokens,
            "e2e_latency": time.monotonic() - self._started,
            "seed": generation.spec.sampling.seed,
        }
        if self._body.return_logprob:
            meta.update(self._logprobs(len(output)))
        return {"text": self._text, "output_ids": output, "meta_info": meta}

    def _finish_reason(self, reason: str | None, output: list[int]) -> dict[str, Any] | None:
        if reason is None:
            return None
        if reason == "length":
            return {"type": "length", "length": len(output)}
        stop = self.generation.text.stopped_by if self.generation.text is not None else None
        return {"type": "stop", "matched": stop if stop is not None else output[-1]}

    def _logprobs(self, count: int) -> dict[str, Any]:
        body, generation, tokenizer = self._body, self.generation, self._service.folder.tokenizer
        k, texts = body.top_logprobs_num, body.return_text_in_logprobs
        rows = concatenate_rows(generation.output_rows[:count]) if count else None
        lists = output_logprobs(rows, tokenizer, k=k, texts=texts)
        if self._scores_prompt:
            start, prompt = body.logprob_start_len, generation.spec.prompt
            lists |= input_logprobs(prompt, generation.prompt_rows, tokenizer, start=start, k=k, texts=texts)
        chosen = list(generation.spec.chosen_ids)
        if chosen:
            rows_of_output = generation.chosen_in_output[:count]
            lists["output_token_ids_logprobs"] = chosen_entries(rows_of_output, chosen, tokenizer, texts=texts)
        if chosen and self._scores_prompt:
            rows_of_prompt = generation.chosen_in_prompt[body.logprob_start_len :]
            entries = chosen_entries(rows_of_prompt, chosen, tokenizer, texts=texts)
            lists["input_token_ids_logprobs"] = [None, *entries]
        return lists
