"""Running a request's sequences: queued, followed while the client stays, answered whole or as a stream."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from fastapi.responses import Response
from pydantic import BaseModel
from starlette.requests import ClientDisconnect, Request

from token_difr.server.answers.answer import Answer
from token_difr.server.answers.requests.error import ApiError
from token_difr.server.answers.sequences import Sequences
from token_difr.server.answers.served_model import ServedModel
from token_difr.server.generation import QueueFullError, Scheduler, SchedulerStoppedError
from token_difr.server.http.event_stream import Change, event_stream
from token_difr.server.http.json_bodies import encode
from token_difr.server.http.metrics import ServerMetrics
from token_difr.server.http.off_loop import off_loop

__all__ = ["Backend", "Backends", "is_traced"]

KEEP_ALIVE_SECONDS = 15.0


class Backend:
    """A model that answers requests.

    Args:
        model: What answers are made with.
        scheduler: Generates.
        metrics: Counts the tokens.
        latency: Deviation: seconds that every answer waits.
    """

    def __init__(
        self, model: ServedModel, scheduler: Scheduler, metrics: ServerMetrics, *, latency: float = 0.0
    ) -> None:
        self.model = model
        self._scheduler = scheduler
        self._metrics = metrics
        self._latency = latency

    async def respond(self, answer: Answer, request: Request, *, stream: bool, ignored: Sequence[str] = ()) -> Response:
        """Runs the answer's sequences and tells what they become.

        A full queue is an error before a stream starts; a failure in mid-stream is an event with ``error``, then the
        end.

        Args:
            answer: Its sequences are not yet submitted.
            request: Tells when the client leaves.
            stream: Tell it piece by piece.
            ignored: Fields of the request that have no effect: the header ``x-ignored-fields`` names them.

        Raises:
            ApiError: The queue is full, or the model failed.
            ClientDisconnect: The client left.
        """
        answer.sequences.attach(asyncio.get_running_loop())
        await self._submit(answer.sequences)
        changes = self._follow(answer.sequences, request)
        headers = {"x-ignored-fields": ", ".join(ignored)} if ignored else {}
        if stream:
            failed = self._metrics.count_failed_stream
            return event_stream(answer, changes, headers=headers, quiet_seconds=KEEP_ALIVE_SECONDS, on_failure=failed)
        async with aclosing(changes):
            async for _ in changes:
                pass
        # Rows of logprobs can be many: to write them takes as long as to make them.
        body = await off_loop(lambda: encode(answer.whole()))
        return Response(body, media_type="application/json", headers=headers)

    async def _submit(self, sequences: Sequences) -> None:
        """Queues sequences; 503 where the queue is full or the server is shutting down."""
        self.model.limits.check_sequences(len(sequences.generations))
        if self._latency:
            await asyncio.sleep(self._latency)
        try:
            self._scheduler.submit(*sequences.generations)
        except (QueueFullError, SchedulerStoppedError) as error:
            message = f"The server is overloaded or shutting down: {error}. Try again later."
            raise ApiError(503, message, code="overloaded", headers={"Retry-After": "1"}) from error

    async def _follow(self, sequences: Sequences, request: Request) -> AsyncGenerator[Change]:
        """Watches submitted sequences until all are done; when the client leaves they are cancelled.

        Yields:
            What happened; PROGRESS also stands for nothing new.

        Raises:
            ClientDisconnect: The client left.
        """
        leaving = asyncio.ensure_future(_wait_for_disconnect(request))
        try:
            while not sequences.done:
                waiting = asyncio.ensure_future(sequences.changed.wait())
                woken, _ = await asyncio.wait(
                    {waiting, leaving}, timeout=KEEP_ALIVE_SECONDS, return_when=asyncio.FIRST_COMPLETED
                )
                waiting.cancel()
                if leaving in woken:
                    raise ClientDisconnect
                # Cleared before the sequences are read: what comes in between sets it again.
                sequences.changed.clear()
                yield Change.PROGRESS if woken else Change.SILENCE
            yield Change.DONE
        finally:
            leaving.cancel()
            sequences.cancel()
            self._metrics.count_tokens(sequences.generations)


class Backends:
    """Who answers a request: one model, or for a share of the requests another one.

    Args:
        usual: Answers the others.
        other: Deviation: answers the share.
        rate: The share, in [0, 1].
    """

    def __init__(self, usual: Backend, other: Backend | None = None, rate: float = 0.0) -> None:
        self._usual = usual
        self._other = other
        self._rate = rate

    @property
    def model(self) -> ServedModel:
        """The usual one."""
        return self._usual.model

    def pick(self, request: BaseModel) -> Backend:
        """The model for a request. Equal requests, equal choice: 64 bits of its hash are the draw."""
        if self._other is None:
            return self._usual
        digest = hashlib.sha256(request.model_dump_json().encode()).digest()
        return self._other if int.from_bytes(digest[:8], "big") < self._rate * 2**64 else self._usual


def is_traced(request: Request) -> bool:
    """Whether a request asks where its time went, by ``x-trace`` or by ``x-trace-level``, of which there is one level."""
    return any(request.headers.get(name, "0") not in ("", "0", "none") for name in ("x-trace", "x-trace-level"))


async def _wait_for_disconnect(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
