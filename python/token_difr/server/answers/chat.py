"""OpenAI's chat completions."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator

from token_difr.server.answers.answer import Answer, JsonObject
from token_difr.server.answers.conversation import RenderedChat
from token_difr.server.answers.dialects.content import ContentLogprobs
from token_difr.server.answers.dialects.vllm import prompt_logprobs
from token_difr.server.answers.message import MessageReader, joined
from token_difr.server.answers.openai_envelope import OpenAIEnvelope
from token_difr.server.answers.prompt_fit import PromptFit
from token_difr.server.answers.requests.bodies import ChatRequest
from token_difr.server.answers.requests.limits import AskedLogprobs
from token_difr.server.answers.requests.refusals import refuse_contradictions
from token_difr.server.answers.requests.sampling import seeds_of
from token_difr.server.answers.sequences import Sequences
from token_difr.server.answers.served_model import ServedModel
from token_difr.server.generation import Generation
from token_difr.server.generation.output_cursor import OutputCursor
from token_difr.server.model.tokenizer import ModelTokenizer

__all__ = ["chat_answer"]


def chat_answer(body: ChatRequest, model: ServedModel, *, traced: bool) -> Answer:
    """The answer to ``POST /v1/chat/completions``: n choices of one conversation.

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
    wanted = body.max_completion_tokens if body.max_completion_tokens is not None else body.max_tokens
    model.limits.check_sequences(body.n)
    chat = model.conversations.render(body, PromptFit(body, model.limits, wanted))
    max_tokens = model.limits.output_tokens(chat.token_ids, wanted, default=None)
    model.limits.check_output(body.n, max_tokens)
    sequences = Sequences(body, model)
    choices = []
    for index, seed in enumerate(seeds_of(body)):
        # The prompt's logprobs stand beside the choices, once: the first sequence reports them.
        logprobs = _asked_logprobs(body, prompt=body.prompt_logprobs if index == 0 else None)
        logprobs = model.limits.checked(logprobs)
        generation = sequences.add(chat.token_ids, max_tokens=max_tokens, seed=seed, logprobs=logprobs)
        choices.append(_Choice(body, chat, generation, model.tokenizer, k=logprobs.output, index=index, seed=seed))
    return Answer(sequences, choices, _Envelope(body, chat, sequences, model, traced=traced))


class _Envelope(OpenAIEnvelope):
    """The objects around the choices; a chat's prompt is told beside them."""

    def __init__(
        self, body: ChatRequest, chat: RenderedChat, sequences: Sequences, model: ServedModel, *, traced: bool
    ) -> None:
        identity = {"id": f"chatcmpl-{uuid.uuid4().hex}", "created": int(time.time()), "model": model.name}
        super().__init__(
            body,
            [chat.token_ids],
            sequences.generations,
            head={**identity, "object": "chat.completion"},
            event_head={**identity, "object": "chat.completion.chunk"},
            traced=traced,
        )
        self._body = body
        self._prompt = chat.token_ids
        self._first = sequences.generations[0]
        self._tokenizer = model.tokenizer

    def prompt_fields(self) -> JsonObject:
        """The prompt's logprobs and ids, where they were asked for."""
        fields: JsonObject = {}
        if self._body.prompt_logprobs is not None:
            fields["prompt_logprobs"] = prompt_logprobs(self._first.prompt_rows, self._tokenizer)
        return fields | self.first_event_fields()

    def first_event_fields(self) -> JsonObject:
        """The prompt's ids, where they were asked for."""
        return {"prompt_token_ids": self._prompt} if self._body.return_token_ids else {}


class _Choice:
    """A sequence and the message that is made of it, whole or in deltas. Both come from the same pieces."""

    def __init__(
        self,
        body: ChatRequest,
        chat: RenderedChat,
        generation: Generation,
        tokenizer: ModelTokenizer,
        *,
        k: int | None,
        index: int,
        seed: int,
    ) -> None:
        self._index = index
        self._seed = seed
        self._generation = generation
        self._cursor = OutputCursor(generation, tokenizer, skip_special_tokens=body.skip_special_tokens)
        self._message = MessageReader(chat, single_call=not body.parallel_tool_calls)
        as_ids = body.return_tokens_as_token_ids
        self._writer = None if k is None else ContentLogprobs(tokenizer, k=k, as_token_ids=as_ids)
        self._tells_ids = body.return_token_ids
        self._token_ids: list[int] = []
        self._begun = False
        self._ended = False
        self._finish_reason: str | None = None

    def whole(self) -> JsonObject:
        """The choice of a finished sequence that was never read."""
        deltas = list(self._deltas())
        return self._choice("message", joined(deltas), self._finish_reason)

    def pieces(self) -> Iterator[JsonObject]:
        """What is new, as choices of chunks."""
        for delta in self._deltas():
            yield from self._opening()
            yield self._choice("delta", delta, None)
        if self._finish_reason is not None and not self._ended:
            self._ended = True
            yield from self._opening()
            yield self._choice("delta", {}, self._finish_reason)

    def _opening(self) -> Iterator[JsonObject]:
        """The role, once."""
        if not self._begun:
            self._begun = True
            yield {"index": self._index, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}

    def _deltas(self) -> Iterator[JsonObject]:
        """What is new of the message; at its end the finish reason is set."""
        taken = self._cursor.take()
        if taken is None:
            return
        self._token_ids += taken.token_ids
        if self._writer is not None and taken.rows is not None:
            self._writer.add_output(taken.rows, ())
        yield from self._message.push(taken.text)
        if taken.finish_reason is not None:
            yield from self._message.close()
            self._finish_reason = "tool_calls" if self._message.has_calls else taken.finish_reason

    def _choice(self, part: str, content: JsonObject, finish_reason: str | None) -> JsonObject:
        """The choice's object; it carries the tokens of all text since the last one."""
        choice: JsonObject = {
            "index": self._index,
            part: content,
            "logprobs": None if self._writer is None else self._writer.take(),
            "finish_reason": finish_reason,
            "stop_reason": self._generation.stop_reason if finish_reason else None,
            "seed": self._seed,
        }
        if self._tells_ids:
            choice["token_ids"], self._token_ids = self._token_ids, []
        return choice


def _asked_logprobs(body: ChatRequest, *, prompt: int | None) -> AskedLogprobs:
    return AskedLogprobs(
        output=(body.top_logprobs or 0) if body.logprobs else None,
        prompt=prompt,
        chosen_ids=tuple(body.logprob_token_ids or ()),
        output_field="top_logprobs",
        chosen_field="logprob_token_ids",
    )
