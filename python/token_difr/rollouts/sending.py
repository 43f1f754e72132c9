"""Sending one sample's request: over HTTP through the openai SDK, or through Tinker's own."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from token_difr.endpoint import post
from token_difr.errors import EndpointError
from token_difr.rollouts.config import Config
from token_difr.rollouts.context_room import DefaultTokens, room_of
from token_difr.rollouts.conversations import tokenizer_of
from token_difr.rollouts.destination import Destination
from token_difr.rollouts.limits import RatePace
from token_difr.rollouts.requests import PromptRequests
from token_difr.services import Prices, listed_prices, open_client
from token_difr.tinker.client import sampling_client
from token_difr.tinker.sender import TinkerSender

if TYPE_CHECKING:
    from openai import AsyncOpenAI

__all__ = ["Connections", "Sender"]

Body = dict[str, Any]

REFUSALS = {400, 422}
"""HTTP statuses of a request that asks for more than there is."""


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
    async def sender(self, config: Config, requests: PromptRequests, pace: RatePace | None) -> AsyncIterator[Sender]:
        """Sends such requests for as long as the block lasts.

        Raises:
            InputError: No key, or the SDK that the provider needs is not installed.
        """
        if requests.destination.by_sdk:
            key = {"api_key": config.api_key, "key_variable": config.key_variable}
            async with sampling_client(config.model, **key) as client:
                decode = tokenizer_of(config).decode
                yield TinkerSender(client, decode, stop=config.stop, timeout_seconds=config.timeout, pace=pace)
            return
        async with self._client(_with_key(config, requests.destination), requests.destination.url, pace) as client:
            yield HttpSender(client, requests.path, config.model)

    @asynccontextmanager
    async def _client(self, config: Config, url: str, pace: RatePace | None) -> AsyncIterator[AsyncOpenAI]:
        headers = tuple(sorted((config.headers or {}).items()))
        limits = (config.timeout, config.max_retries, config.max_answer_mb)
        setting = (url, config.api_key, config.key_variable, limits, headers, id(pace))
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
    """Sends to an OpenAI-compatible endpoint; the client's retries are the only ones.

    A ``max_tokens`` that nobody chose gives way to the model's context: a request that is refused for it is sent again
    with what fits, which is remembered for the other samples of its prompt.
    """

    def __init__(self, client: AsyncOpenAI, path: str, model: str) -> None:
        self._client = client
        self._path = path
        self._model = model
        self._rooms: dict[str, int] = {}

    async def send(self, body: Mapping[str, Any]) -> Body:
        """See :class:`Sender`."""
        asked = body.get("max_tokens")
        if not isinstance(asked, DefaultTokens):
            return await self._post(body)
        prompt = json.dumps(body.get("messages") or body.get("prompt"))
        room = self._rooms.get(prompt, int(asked))
        while True:
            try:
                return await self._post({**body, "max_tokens": room})
            except EndpointError as error:
                left = _room_left(error, room)
                if left is None:
                    raise
                room = self._rooms[prompt] = left

    async def _post(self, body: Mapping[str, Any]) -> Body:
        return await post(self._client, self._path, body, model=self._model)

    async def prices(self) -> Prices:
        """See :class:`Sender`."""
        return await listed_prices(self._client, self._model)


def _room_left(error: EndpointError, refused: int) -> int | None:
    """The longest answer that fits, where that is why a request was refused, and anything fits at all."""
    if getattr(error.__cause__, "status_code", None) not in REFUSALS:
        return None
    room = room_of(str(error.__cause__), refused)
    return room if room is not None and 0 < room < refused else None


async def _closed(opening: asyncio.Task[AsyncOpenAI]) -> None:
    """Close what was opened, if it was; why it was not, whoever waited for it has heard."""
    (done,), _ = await asyncio.wait([opening])
    if done.exception() is None:
        await done.result().close()


def _with_key(config: Config, destination: Destination) -> Config:
    """With the key's variable that the destination tells, where there is such a key and nothing else was given."""
    variable = destination.key_variable
    if config.api_key is not None or config.key_variable is not None or not os.environ.get(variable or ""):
        return config
    return replace(config, key_variable=variable)


def _opened(config: Config, url: str, pace: RatePace | None) -> AsyncOpenAI:
    return open_client(
        url,
        api_key=config.api_key,
        key_variable=config.key_variable,
        max_retries=config.max_retries,
        timeout_seconds=config.timeout,
        max_answer_mb=config.max_answer_mb,
        headers=config.headers,
        pace=pace,
    )
