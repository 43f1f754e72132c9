"""Who answers: a chat endpoint over HTTP, or anything else that answers one conversation at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from token_difr.answers.chat_answer import chat_response
from token_difr.answers.chat_request import asked_options, chat_fields, completion_fields, refused_field
from token_difr.endpoint import post, shown_url, tag_headers
from token_difr.errors import AnswerError, TokenDifrError
from token_difr.records import Asking, Conversation, Response, SamplingParams
from token_difr.services import (
    CHAT_PATH,
    COMPLETIONS_PATH,
    TOKEN_IDS_FIELD,
    ServiceProfile,
    check_able,
    profile_named,
    profile_of,
)

if TYPE_CHECKING:
    from openai import AsyncOpenAI

__all__ = ["ChatProvider", "Provider", "Turn"]

Turn = Callable[[], AbstractAsyncContextManager[None]]
"""Makes a block that a request is sent inside of: it begins when the request may be sent."""


@runtime_checkable
class Provider(Protocol):
    """A source of answers.

    Attributes:
        url: Its base URL as it may be stored and shown, or what else names it.
    """

    url: str

    async def answer(
        self, index: int, messages: Conversation, *, model: str, params: SamplingParams, max_tokens: int
    ) -> Response:
        """Its answer to one conversation, number ``index``.

        Raises:
            EndpointError: No answer, or one that cannot be read.
        """


class ChatProvider:
    """A provider behind an OpenAI-compatible endpoint.

    A neutral field that it refuses by name is left out from then on, and so is the one that asks for token ids: that costs
    one refused request, and the answers' ``sent`` says which fields acted.

    Args:
        client: A client of the endpoint; its ``max_retries`` are the only retries.
        asking: How it is asked.
        turn: Makes what every request is sent inside of, where others wait for their turn too; unless given, nobody does.

    Raises:
        InputError: The service cannot do what is asked.
    """

    def __init__(self, client: AsyncOpenAI, asking: Asking | None = None, *, turn: Turn = nullcontext) -> None:
        self.url = shown_url(client)
        self._client = client
        self._turn = turn
        self._asking = asking or Asking()
        service = self._asking.service
        self._profile = profile_of(self.url) if service is None else profile_named(service)
        check_able(self._profile, asked_options(SamplingParams(), index=0, max_tokens=1, asking=self._asking))
        self._unneeded = {**self._profile.neutral, TOKEN_IDS_FIELD: True}
        self._refused: set[str] = set()

    @property
    def profile(self) -> ServiceProfile:
        """What is known of the service behind it."""
        return self._profile

    async def answer(
        self, index: int, messages: Conversation, *, model: str, params: SamplingParams, max_tokens: int
    ) -> Response:
        """See :meth:`Provider.answer`. A conversation that ends with an assistant's message is to be gone on with."""
        begun = messages[-1].get("role") == "assistant"
        fields = chat_fields(
            self._profile, params, index=index, max_tokens=max_tokens, asking=self._asking, begun=begun
        )
        return await self._answered(index, CHAT_PATH, {"model": model, "messages": messages}, fields)

    async def complete(
        self, index: int, prompt: Sequence[int] | str, *, model: str, params: SamplingParams, max_tokens: int
    ) -> Response:
        """What the model writes behind these very tokens, or a text, number ``index``, by the completions endpoint.

        Raises:
            EndpointError: No answer, or one that cannot be read.
        """
        fields = completion_fields(self._profile, params, index=index, max_tokens=max_tokens, asking=self._asking)
        return await self._answered(
            index,
            COMPLETIONS_PATH,
            {"model": model, "prompt": prompt if isinstance(prompt, str) else list(prompt)},
            fields,
        )

    async def _answered(self, index: int, path: str, asked: Mapping[str, Any], fields: Mapping[str, Any]) -> Response:
        """The answer to a request whose neutral fields are left out where the provider refuses them."""
        while True:
            sent = {name: value for name, value in fields.items() if name not in self._refused}
            try:
                return await self._ask(index, path, asked, sent)
            except TokenDifrError as error:
                # What acts must arrive: only values that change nothing may be left out.
                neutral = {name: value for name, value in self._unneeded.items() if sent.get(name) == value}
                refused = refused_field(str(error), getattr(error.__cause__, "status_code", None), neutral)
                if refused is None:
                    raise
                self._refused.add(refused)

    async def _ask(self, index: int, path: str, asked: Mapping[str, Any], sent: dict[str, Any]) -> Response:
        headers = tag_headers(self._client, f"collect-{index}")
        request = {**asked, **sent}  # messages of any role, as they stand
        async with self._turn():
            body = await post(self._client, path, request, model=str(asked["model"]), headers=headers)
        try:
            return chat_response(index, body, sent=sent)
        except AnswerError as error:
            raise AnswerError(f"{self.url}, prompt {index}: {error}") from error
