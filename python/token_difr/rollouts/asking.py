"""Sending one sample's request: over HTTP through the openai SDK, or through Tinker's own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from token_difr.endpoint import answer_body, endpoint_error
from token_difr.errors import EndpointUnreachableError, InputError
from token_difr.records import SamplingParams
from token_difr.rollouts.abilities import TINKER
from token_difr.rollouts.config import Config
from token_difr.rollouts.limits import RatePace
from token_difr.rollouts.plan import Plan, tokenizer_of
from token_difr.rollouts.prices import Prices, listed_prices
from token_difr.services import open_client
from token_difr.tinker import TinkerProvider
from token_difr.tinker.client import sampling_client

if TYPE_CHECKING:
    from openai import AsyncOpenAI

__all__ = ["Connections", "Sender"]

Body = dict[str, Any]


class Sender(Protocol):
    """Sends the requests of one model."""

    async def send(self, body: Mapping[str, Any]) -> Body:
        """The answer to a request.

        Raises:
            EndpointError: No answer, or one that cannot be read.
        """

    async def prices(self) -> Prices:
        """What the provider's own listing says that tokens cost.

        Raises:
            InputError: It says nothing.
        """


@dataclass
class _Shared:
    """A client that calls in one event loop share; opening it imports the SDK, which would block the loop."""

    opening: asyncio.Task[AsyncOpenAI]
    users: int = 0


class Connections:
    """Clients of endpoints: one an event loop and setting, shared by the calls that run at the same time."""

    def __init__(self) -> None:
        self._shared: dict[tuple[Any, ...], _Shared] = {}
        self._lock = threading.Lock()

    @asynccontextmanager
    async def sender(self, config: Config, plan: Plan, pace: RatePace | None) -> AsyncIterator[Sender]:
        """Sends requests of ``plan`` for as long as the block lasts.

        Raises:
            InputError: No key, or the SDK that the provider needs is not installed.
        """
        if plan.url == TINKER:
            _check_tinker(config)
            async with sampling_client(config) as client:
                yield TinkerSender(config, client, pace)
            return
        async with self._client(config, plan.url, pace) as client:
            yield HttpSender(client, plan.path, config.model)

    @asynccontextmanager
    async def _client(self, config: Config, url: str, pace: RatePace | None) -> AsyncIterator[AsyncOpenAI]:
        headers = tuple(sorted((config.headers or {}).items()))
        setting = (url, config.api_key, config.key_variable, config.timeout, config.max_retries, headers, id(pace))
        key = (id(asyncio.get_running_loop()), *setting)
        with self._lock:
            if key not in self._shared:
                self._shared[key] = _Shared(asyncio.create_task(asyncio.to_thread(_opened, config, url, pace)))
            shared = self._shared[key]
            shared.users += 1
        try:
            yield await asyncio.shield(shared.opening)
        finally:
            with self._lock:
                shared.users -= 1
                unused = not shared.users
                if unused:
                    del self._shared[key]
            if unused:
                await _closed(shared.opening)


class HttpSender:
    """Sends to an OpenAI-compatible endpoint; the client's retries are the only ones."""

    def __init__(self, client: AsyncOpenAI, path: str, model: str) -> None:
        self._client = client
        self._path = path
        self._model = model

    async def send(self, body: Mapping[str, Any]) -> Body:
        """See :class:`Sender`."""
        import httpx2
        import openai

        client = self._client
        try:
            answer = await client.post(self._path, body=body, cast_to=httpx2.Response)
        except openai.OpenAIError as error:
            raise endpoint_error(error, client=client, model=self._model) from error
        return answer_body(answer.content, client=client)

    async def prices(self) -> Prices:
        """See :class:`Sender`."""
        return await listed_prices(self._client, self._model)


class TinkerSender:
    """Asks as :class:`~token_difr.answers.TinkerProvider` does; prompts are token ids already."""

    def __init__(self, config: Config, client: Any, pace: RatePace | None) -> None:
        tokenizer = tokenizer_of(config)
        self._timeout = config.timeout
        self._pace = pace
        self._provider = TinkerProvider(
            client,
            render=lambda messages: messages[0]["token_ids"],
            decode=lambda ids: tokenizer.decode(ids, skip_special_tokens=True),
            stop=config.stop,
        )

    async def send(self, body: Mapping[str, Any]) -> Body:
        """See :class:`Sender`."""
        params = SamplingParams(
            temperature=body["temperature"], top_p=body["top_p"], top_k=body.get("top_k") or 0, seed=body["seed"]
        )
        if self._pace is not None:
            await self._pace()
        asked = [{"token_ids": body["prompt"]}]
        try:
            async with asyncio.timeout(self._timeout):
                response = await self._provider.answer(
                    0, asked, model=body["model"], params=params, max_tokens=body["max_tokens"]
                )
        except TimeoutError as error:
            raise EndpointUnreachableError(f"tinker gave no answer in {self._timeout:g} s") from error
        usage = {"prompt_tokens": response.prompt_tokens, "completion_tokens": response.completion_tokens}
        return {**response.body, "usage": usage}

    async def prices(self) -> Prices:
        """See :class:`Sender`."""
        raise InputError(
            "tinker lists no prices: give price_input and price_output, in US dollars for a million tokens"
        )


async def _closed(opening: asyncio.Task[AsyncOpenAI]) -> None:
    """Close what was opened, if it was; why it was not, whoever waited for it has heard."""
    (done,), _ = await asyncio.wait([opening])
    if done.exception() is None:
        await done.result().close()


def _opened(config: Config, url: str, pace: RatePace | None) -> AsyncOpenAI:
    return open_client(
        url,
        api_key=config.api_key,
        key_variable=config.key_variable,
        max_retries=config.max_retries,
        timeout_seconds=config.timeout,
        headers=config.headers,
        pace=pace,
    )


def _check_tinker(config: Config) -> None:
    names = (
        *("min_p", "top_a", "repetition_penalty", "logit_bias", "presence_penalty", "frequency_penalty"),
        *("response_format", "reasoning", "include_reasoning", "headers"),
    )
    unfit = [*(name for name in names if getattr(config, name)), *config.extra_body]
    if unfit:
        raise InputError(f"tinker's sampler does not have {', '.join(unfit)}: leave it out")
    if config.logprobs:
        raise InputError("tinker gives the logprobs of the tokens drawn, and of no others: logprobs=0")
