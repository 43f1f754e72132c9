"""One choice of a text completion."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from token_difr.server.answers.dialects import LogprobWriter
from token_difr.server.answers.dialects.content import ContentLogprobs
from token_difr.server.answers.dialects.legacy import LegacyLogprobs
from token_difr.server.answers.dialects.vllm import prompt_logprobs
from token_difr.server.answers.requests.bodies import CompletionRequest
from token_difr.server.answers.requests.sampling import check_prompt, make_spec, output_text
from token_difr.server.generation.output_cursor import OutputCursor
from token_difr.server.http.errors import bad_request
from token_difr.server.service import ModelService

__all__ = ["CompletionChoice", "Prompt"]

_DEFAULT_MAX_TOKENS = 16


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """One prompt of a request.

    Attributes:
        token_ids: What the model is fed.
        echoed: How many of its last tokens are echoed; None = all, 0 = none.
        text: The echoed text.
        from_text: Whether the request gave it as text.
    """

    token_ids: list[int]
    echoed: int | None
    text: str
    from_text: bool

    @classmethod
    def all_of(cls, body: CompletionRequest, service: ModelService) -> list[Prompt]:
        """The prompts of a request: a list of integers is one, a list of texts or of lists is several."""
        given: Any = body.prompt
        if isinstance(given, str) or (given and isinstance(given[0], int)):
            given = [given]
        if not given:
            raise bad_request("prompt is an empty list.", param="prompt")
        service.check_count(len(given) * (body.n or 1))
        return [cls._of(prompt, body, service) for prompt in given]

    @classmethod
    def _of(cls, given: str | list[int], body: CompletionRequest, service: ModelService) -> Prompt:
        tokenizer = service.folder.tokenizer
        from_text = isinstance(given, str)
        ids = tokenizer.encode(given, add_special_tokens=body.add_special_tokens) if isinstance(given, str) else given
        echoed = None if body.echo else body.echo_last or 0
        if echoed is not None and echoed >= len(ids) > 0:
            echoed = None
        if echoed is None and isinstance(given, str):
            text = given
        else:
            text = tokenizer.decode(ids if echoed is None else ids[len(ids) - echoed :], skip_special_tokens=False)
        return cls(token_ids=ids, echoed=echoed, text=text, from_text=from_text)

    @property
    def is_echoed(self) -> bool:
        """Whether any of it is echoed."""
        return self.echoed != 0


class CompletionChoice:
    """A sequence and the JSON that is made of it, in one piece or in several."""

    def __init__(
        self,
        body: CompletionRequest,
        service: ModelService,
        prompt: Prompt,
        *,
        index: int,
        seed: int,
        notify: asyncio.Event,
    ) -> None:
        self._body = body
        self._service = service
        self._prompt = prompt
        self._index = index
        self._seed = seed
        self._writer = _writer(body, service, prompt)
        max_tokens = check_prompt(prompt.token_ids, body.max_tokens, service, default=_DEFAULT_MAX_TOKENS)
        count = _top_count(body)
        spec = make_spec(
            body,
            service,
            prompt=prompt.token_ids,
            max_tokens=max_tokens,
            seed=seed,
            logprobs=count,
            prompt_logprobs=_prompt_count(body, count if prompt.is_echoed else None),
            sampling_logprobs=body.logprobs is True,
        )
        self.generation = service.generation(spec, text=output_text(body, service), notify=notify)
        tokenizer = service.folder.tokenizer
        self._cursor = OutputCursor(self.generation, tokenizer, skip_special_tokens=body.skip_special_tokens)
        self._begun = False

    def take(self) -> dict[str, Any] | None:
        """What is new, as a choice; None for nothing. A finished sequence that was never read gives all at once."""
        delta = self._cursor.take()
        if delta is None:
            return None
        first, self._begun = not self._begun, True
        choice: dict[str, Any] = {
            "index": self._index,
            "text": self._prompt.text + delta.text if first and self._prompt.is_echoed else delta.text,
            "logprobs": None,
            "finish_reason": delta.finish_reason,
            "stop_reason": self.generation.text.stopped_by if delta.finish_reason and self.generation.text else None,
            "seed": self._seed,
        }
        if self._writer is not None:
            if first and self._prompt.is_echoed:
                rows, echoed = self.generation.prompt_rows, self._prompt.echoed
                self._writer.add_prompt(self._prompt.token_ids, rows, last=echoed)
            if delta.rows is not None:
                self._writer.add_output(delta.rows, delta.sampling_logprobs)
            choice["logprobs"] = self._writer.take()
        if self._body.prompt_logprobs is not None:
            choice["prompt_logprobs"] = self._prompt_logprobs()
        if self._body.return_token_ids:
            choice["prompt_token_ids"] = self._prompt.token_ids if first else None
            choice["token_ids"] = delta.token_ids
        return choice

    def _prompt_logprobs(self) -> list[dict[str, Any] | None]:
        rows, k = self.generation.prompt_rows, self._body.prompt_logprobs or 0
        if rows is not None and k >= 0:
            rows = rows.narrow(k)
        return prompt_logprobs(rows, self._service.folder.tokenizer)


def _top_count(body: CompletionRequest) -> int | None:
    """Likeliest tokens a row by ``logprobs``; None = no logprobs."""
    if body.logprobs is None or body.logprobs is False:
        return None
    return (body.top_logprobs or 0) if body.logprobs is True else body.logprobs


def _prompt_count(body: CompletionRequest, echoed: int | None) -> int | None:
    """Likeliest tokens a row of the prompt, for whoever asks for most; -1 = the whole vocabulary."""
    counts = [count for count in (body.prompt_logprobs, echoed) if count is not None]
    return -1 if -1 in counts else max(counts, default=None)


def _writer(body: CompletionRequest, service: ModelService, prompt: Prompt) -> LogprobWriter | None:
    count = _top_count(body)
    if count is None:
        return None
    tokenizer, as_ids = service.folder.tokenizer, bool(body.return_tokens_as_token_ids)
    skip, leading = body.skip_special_tokens, service.leading_token if prompt.from_text else None
    if body.logprobs is True:
        return ContentLogprobs(
            tokenizer, k=count, as_token_ids=as_ids, completions=True, skip_special_tokens=skip, leading=leading
        )
    return LegacyLogprobs(tokenizer, k=count, as_token_ids=as_ids, skip_special_tokens=skip, leading=leading)
