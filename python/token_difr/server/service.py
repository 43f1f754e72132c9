"""The served model: what every route works on."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace
from enum import Enum

from pydantic import BaseModel
from starlette.requests import ClientDisconnect, Request

from token_difr.server.generation import Generation, GenerationSpec, QueueFullError, Scheduler, SchedulerStoppedError
from token_difr.server.generation.sampling.faults import RandomTokens, TopKBug
from token_difr.server.generation.text.output_text import OutputText
from token_difr.server.http.errors import ApiError
from token_difr.server.http.metrics import ServerMetrics
from token_difr.server.model.chat_template import ChatTemplate
from token_difr.server.model.engine import Engine
from token_difr.server.model.engine.loading import load_engine
from token_difr.server.model.engine.rounded_cache import RoundedCacheEngine
from token_difr.server.model.folder import DEMO, ModelFolder
from token_difr.server.settings import Mix, ServerSettings

__all__ = ["Change", "ModelService", "raise_failure"]

KEEP_ALIVE_SECONDS = 15.0

_logger = logging.getLogger("token_difr.server")


class Change(Enum):
    """What a follower of sequences sees."""

    PROGRESS = 1
    SILENCE = 2
    DONE = 3


class ModelService:
    """A loaded model with its scheduler.

    Args:
        settings: What is served and how.
        engine: Runs the model in place of the folder's own weights.

    Raises:
        InputError: The folder cannot be served.
    """

    def __init__(self, settings: ServerSettings, engine: Engine | None = None) -> None:
        self.settings = settings
        self.folder = ModelFolder.open(settings.model)
        self.name = settings.name or (DEMO if str(settings.model) == DEMO else self.folder.path.resolve().name)
        self.created = int(time.time())
        self._template = self.folder.template_from(settings.template) if settings.template else self.folder.template
        self.engine = engine or load_engine(
            self.folder.path,
            choice=settings.engine,
            element_type=settings.element_type,
            rounding=settings.weights,
            threads=settings.threads,
        )
        if settings.kv_bits is not None:
            self.engine = RoundedCacheEngine(self.engine, settings.kv_bits)
        self.scheduler = Scheduler(self.engine, max_batch=settings.max_batch, max_queue=settings.max_queue)
        self.metrics = ServerMetrics(self.scheduler)
        self._other = None if settings.mix is None else ModelService(_other_settings(settings, settings.mix, self.name))
        if self._other is not None:
            self._other.metrics = self.metrics

    def start(self) -> None:
        """Starts to answer."""
        _logger.info("serving %s, deviations: %s", self.name, json.dumps(self.settings.deviations()))
        self.scheduler.start()
        if self._other is not None:
            self._other.start()

    def stop(self) -> None:
        """Finishes what was submitted and takes no more."""
        self.scheduler.stop()
        if self._other is not None:
            self._other.stop()

    def pick(self, request: BaseModel) -> ModelService:
        """Who answers a request: this model, or for the share of a mix the other one. Equal requests, equal choice."""
        mix = self.settings.mix
        if self._other is None or mix is None:
            return self
        digest = hashlib.sha256(request.model_dump_json().encode()).digest()
        return self._other if int.from_bytes(digest[:8], "big") < mix.rate * 2**64 else self

    @property
    def template(self) -> ChatTemplate | None:
        """The chat template in use."""
        return self._template

    @property
    def leading_token(self) -> int | None:
        """The token of the extra leading row; None where there is none."""
        return self.folder.leading_token_id if self.settings.echo_bos else None

    def check_model(self, name: str | None) -> None:
        """Refuses a request for another model; a request without a name means this one."""
        if name is not None and name != self.name:
            message = f"The model '{name[:200]}' does not exist. This server has '{self.name}'."
            raise ApiError(404, message, param="model", code="model_not_found")

    def generation(self, spec: GenerationSpec, *, text: OutputText | None, notify: asyncio.Event) -> Generation:
        """A sequence that wakes ``notify`` on the running loop."""
        loop = asyncio.get_running_loop()
        rate, width = self.settings.random_token_rate, self.engine.vocabulary_size
        return Generation(
            spec,
            width,
            text=text,
            random_tokens=RandomTokens(rate, spec.prompt, width) if rate else None,
            top_k_bug=TopKBug(self.settings.top_k_bug, spec.prompt) if self.settings.top_k_bug else None,
            on_change=lambda: _wake(loop, notify),
        )

    def check_count(self, sequences: int) -> None:
        """Refuses a request for more sequences than ever wait: before they are built, which costs time and memory."""
        if sequences > self.scheduler.max_queue:
            message = f"The request asks for {sequences} sequences; this server takes {self.scheduler.max_queue}."
            raise ApiError(400, message, param="n")

    async def submit(self, generations: Sequence[Generation]) -> None:
        """Queues sequences; 503 where the queue is full or the server is shutting down."""
        self.check_count(len(generations))
        if self.settings.latency:
            await asyncio.sleep(self.settings.latency)
        try:
            self.scheduler.submit(*generations)
        except (QueueFullError, SchedulerStoppedError) as error:
            message = f"The server is overloaded or shutting down: {error}. Try again later."
            raise ApiError(503, message, code="overloaded", headers={"Retry-After": "1"}) from error

    async def follow(
        self, generations: Sequence[Generation], notify: asyncio.Event, request: Request
    ) -> AsyncGenerator[Change]:
        """Watches submitted sequences until all are done; when the client leaves they are cancelled.

        Yields:
            What happened; PROGRESS also stands for nothing new.

        Raises:
            ClientDisconnect: The client left.
        """
        leaving = asyncio.ensure_future(_wait_for_disconnect(request))
        try:
            while not all(generation.done for generation in generations):
                waiting = asyncio.ensure_future(notify.wait())
                woken, _ = await asyncio.wait(
                    {waiting, leaving}, timeout=KEEP_ALIVE_SECONDS, return_when=asyncio.FIRST_COMPLETED
                )
                waiting.cancel()
                if leaving in woken:
                    raise ClientDisconnect
                notify.clear()
                yield Change.PROGRESS if woken else Change.SILENCE
            yield Change.DONE
        finally:
            leaving.cancel()
            for generation in generations:
                generation.cancelled = True
            self.metrics.count_tokens(generations)

    async def complete(self, generations: Sequence[Generation], notify: asyncio.Event, request: Request) -> None:
        """Runs sequences to their end.

        Raises:
            ApiError: The model failed, or the queue is full.
            ClientDisconnect: The client left.
        """
        await self.submit(generations)
        async with aclosing(self.follow(generations, notify, request)) as changes:
            async for _ in changes:
                pass
        raise_failure(generations)


def raise_failure(generations: Sequence[Generation]) -> None:
    """HTTP 500 if the model failed; what failed goes to the log, not to the caller."""
    failure = next((generation.error for generation in generations if generation.error is not None), None)
    if failure is not None:
        raise ApiError(500, "The model failed to run; the server's log says why.", code="internal_error") from failure


def _other_settings(settings: ServerSettings, mix: Mix, name: str) -> ServerSettings:
    return replace(settings, model=mix.model, weights=mix.weights, name=name, mix=None)


def _wake(loop: asyncio.AbstractEventLoop, notify: asyncio.Event) -> None:
    # Nobody is left to wake once the loop has ended.
    if not loop.is_closed():
        loop.call_soon_threadsafe(notify.set)


async def _wait_for_disconnect(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
