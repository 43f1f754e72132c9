"""One call: the samples that the cache lacks are asked for, a few at a time, and kept as they arrive."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from token_difr.endpoint import ask_each, stops_everything
from token_difr.errors import AnswerError, LimitError, TokenDifrError
from token_difr.rollouts.answer import Expected, response_of
from token_difr.rollouts.cache import Claim, RolloutCache
from token_difr.rollouts.config import Config
from token_difr.rollouts.limits import Budget, Slots
from token_difr.rollouts.old_caches import OldCache
from token_difr.rollouts.requests import PromptRequests
from token_difr.rollouts.response import Response
from token_difr.rollouts.samples import Rollouts, SampleError
from token_difr.rollouts.sending import Sender
from token_difr.rollouts.store import StoreError
from token_difr.services import Prices, StatedUsage, read_answer

__all__ = ["Drawing"]

Body = dict[str, Any]
Place = tuple[int, int]
"""Prompt and sample, by number."""

FIRST_WAIT, LONGEST_WAIT = 0.02, 0.5
"""Seconds until a request that another process has in flight is looked up again."""
BREATH = 256
"""Responses that are made in a row before the event loop gets its turn."""
NO_SUCH_PATH = 404
"""The HTTP status of a path that there is not: all requests here go to the same one."""
HOPELESS = range(400, 500)
MAY_SUCCEED = {408, 409, 425, 429}

logger = logging.getLogger("token_difr.rollouts")


@dataclass
class Drawing:
    """The samples of some prompts.

    Attributes:
        config: Of this call.
        prompts: As they were given.
        requests: One a prompt.
        slots: Requests in flight, over all calls of the client in this loop.
        budget: What may be spent.
        cache: None = none.
        old_cache: Read where the cache lacks an answer.
        on_response: Called with every response as it arrives.
        prices: What tokens cost, where it is known.
        missing: What has to be asked for; :meth:`look_up` finds it.
    """

    config: Config
    prompts: Sequence[Any]
    requests: Sequence[PromptRequests]
    slots: Slots
    budget: Budget
    cache: RolloutCache | None = None
    old_cache: OldCache | None = None
    on_response: Callable[[Response], None] | None = None
    prices: Prices | None = None
    missing: list[Place] = field(default_factory=list)
    _responses: dict[Place, Response] = field(default_factory=dict)
    _errors: dict[Place, TokenDifrError] = field(default_factory=dict)
    _interruption: Exception | None = None
    _stopped: dict[int | None, TokenDifrError] = field(default_factory=dict)
    """Why no more is sent, by prompt; None = of any prompt."""

    async def look_up(self) -> None:
        """Take what the caches have."""
        for number, requests in enumerate(self.requests):
            places = self._places(number)
            if self.cache is not None:
                keys = await asyncio.to_thread(_keys, requests, number)
                found = await asyncio.wrap_future(self.cache.look_up(list(keys)))
                await self._take({keys[key]: body for key, body in found.items()})
            if self.old_cache is not None:
                await self._take_old([place for place in places if place not in self._responses])
            self.missing += [place for place in places if place not in self._responses]

    async def draw(self, sender: Sender) -> None:
        """Ask for what is missing."""

        async def attempt(place: Place) -> None:
            async with self.slots:
                await self._attempt(sender, place)

        config = self.config
        await ask_each(
            self.missing, attempt, concurrency=config.concurrency, label="rollouts", progress=config.progress_bar
        )

    def raise_interruption(self) -> None:
        """Raise what ``on_response`` raised, if it did: everything that was paid for is stored by now."""
        if self._interruption is not None:
            raise self._interruption

    def give_up(self, reason: TokenDifrError) -> None:
        """What is not answered by now failed for ``reason``."""
        places = [place for number in range(len(self.requests)) for place in self._places(number)]
        self._errors |= {place: reason for place in places if not self._is_done(place)}

    def _places(self, number: int) -> list[Place]:
        return [(number, sample) for sample in range(len(self.requests[number].seeds))]

    def rollouts(self) -> list[Rollouts]:
        """What there is, one a prompt."""
        return [self._rollouts_of(number) for number in range(len(self.requests))]

    def _is_done(self, place: Place) -> bool:
        return place in self._responses or place in self._errors

    async def _attempt(self, sender: Sender, place: Place) -> None:
        reason = self._stopped.get(None) or self._stopped.get(place[0])
        if reason is not None:
            self._errors[place] = reason
            return
        started = time.monotonic()
        try:
            await self._sample(sender, place)
        except TokenDifrError as error:
            self._errors[place] = error
            self._stop_after(error, place[0])
        if self.config.verbose:
            outcome = "failed" if place in self._errors else "answered"
            logger.info("prompt %d, sample %d: %s in %.2f s", *place, outcome, time.monotonic() - started)

    async def _sample(self, sender: Sender, place: Place) -> None:
        requests, sample = self.requests[place[0]], place[1]
        if self.cache is None:
            self._record(place, self._read(await self._paid(sender, requests, sample), place))
            return
        key = requests.key(sample)
        body, owner = await self._claimed(self.cache, key)
        if body is not None:
            self._record(place, self._read(body, place, cached=True))
            return
        try:
            body = await self._paid(sender, requests, sample)
            response = self._read(body, place)  # what cannot be read is asked for anew
        except BaseException:
            self.cache.release(key, owner)
            raise
        kept = self.cache.keep(
            key, model=self.config.model, url=requests.destination.url, request=requests.request(sample), answer=body
        )
        try:
            await asyncio.shield(asyncio.wrap_future(kept))
        except StoreError as error:  # the sample stays; another one would not be kept either
            self._stopped[None] = error
        finally:
            self._record(place, response)

    async def _claimed(self, cache: RolloutCache, key: bytes) -> tuple[Body | None, str]:
        """An answer that another process has got meanwhile, or our right to ask for it."""
        wait = FIRST_WAIT
        while True:
            claim = await _awaited(cache, key, cache.claim(key))
            if claim.answer is not None or claim.owner is not None:
                return claim.answer, claim.owner or ""
            await asyncio.sleep(wait)
            wait = min(2 * wait, LONGEST_WAIT)

    async def _paid(self, sender: Sender, requests: PromptRequests, sample: int) -> Body:
        """A provider's answer, within the budget."""
        request = requests.request(sample)
        await self.slots.turn()
        prices = self.prices
        most, cost = 0.0 if prices is None else prices.most(request), 0.0
        await self.budget.reserve(most)
        try:
            body = await sender.send(request)
            # An answer that does not say what it used may have used all that it could.
            usage = StatedUsage.of(body)
            cost = Prices.cost_of(usage, prices) if usage.is_priceable else most
        except AnswerError:
            cost = most
            raise
        finally:
            self.budget.settle(most, cost)
        try:
            read_answer(body)
        except AnswerError as error:
            raise AnswerError(f"{requests.destination.url}: {error}") from error
        return body

    def _stop_after(self, error: TokenDifrError, number: int) -> None:
        """Send no more of what would fail alike."""
        status = getattr(error.__cause__, "status_code", None)
        if stops_everything(error) or status == NO_SUCH_PATH:
            self._stopped[None] = error
        elif status in HOPELESS and status not in MAY_SUCCEED:
            self._stopped[number] = error

    async def _take(self, found: dict[Place, Body]) -> None:
        for count, (place, body) in enumerate(sorted(found.items(), key=lambda item: item[0])):
            self._record(place, self._read(body, place, cached=True))
            if count % BREATH == BREATH - 1:
                await asyncio.sleep(0)

    async def _take_old(self, places: Sequence[Place]) -> None:
        old = self.old_cache
        assert old is not None  # noqa: S101  # the caller looked
        wanted = [(self.prompts[number], self.requests[number].seeds[sample]) for number, sample in places]
        for place, response in zip(places, await asyncio.to_thread(old.find_all, wanted), strict=True):
            if response is not None:
                self._record(place, response)

    def _read(self, body: Body, place: Place, *, cached: bool = False) -> Response:
        requests = self.requests[place[0]]
        expected = Expected(
            prompt_text=requests.prompt_text,
            prompt_tokens=None if requests.prompt_token_ids is None else len(requests.prompt_token_ids),
            thought_open=requests.thought_open,
            echo=self.config.echo,
            logprobs=self.config.logprobs is not None,
            join=requests.join,
        )
        try:
            return response_of(body, expected, seed=requests.seeds[place[1]], cached=cached)
        except (ArithmeticError, TypeError, ValueError) as error:
            raise AnswerError(
                f"{requests.destination.url}: the answer holds a value that is none: {error!r:.200}"
            ) from error

    def _record(self, place: Place, response: Response) -> None:
        self._responses[place] = response
        if self.on_response is None or self._interruption is not None:
            return
        try:
            self.on_response(response)
        except Exception as error:  # noqa: BLE001  # raised once what is in flight, and paid for, is stored
            self._interruption = error
            self._stopped[None] = LimitError(f"on_response raised {type(error).__name__}: no more is sent")

    def _rollouts_of(self, number: int) -> Rollouts:
        config, seeds = self.config, self.requests[number].seeds
        places = self._places(number)
        return Rollouts(
            prompt=self.prompts[number],
            num_responses=len(seeds),
            temperature=config.temperature,
            top_p=config.top_p,
            max_tokens=config.max_tokens,
            model=config.model,
            responses=[self._responses[place] for place in places if place in self._responses],
            errors=[
                SampleError(index=sample, seed=seeds[sample], error=self._errors[number, sample])
                for _, sample in places
                if (number, sample) in self._errors and (number, sample) not in self._responses
            ],
            cache_dir=None if self.cache is None else str(self.cache.folder),
            logprobs_enabled=config.logprobs is not None,
            echo_enabled=config.echo,
            prompt_token_ids=self.requests[number].prompt_token_ids,
            begun=self.requests[number].begun,
        )


def _keys(requests: PromptRequests, number: int) -> dict[bytes, Place]:
    return {requests.key(sample): (number, sample) for sample in range(len(requests.seeds))}


async def _awaited(cache: RolloutCache, key: bytes, claiming: Future[Claim]) -> Claim:
    """A claim; where the waiting is cancelled, one that is granted all the same is given back."""
    try:
        return await asyncio.wrap_future(claiming)
    except asyncio.CancelledError:
        claiming.add_done_callback(lambda done: _give_back(cache, key, done))
        raise


def _give_back(cache: RolloutCache, key: bytes, claiming: Future[Claim]) -> None:
    if not claiming.cancelled() and claiming.exception() is None and (owner := claiming.result().owner):
        cache.release(key, owner)
