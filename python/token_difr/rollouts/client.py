"""The client: many samples a prompt, each paid for once."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

from token_difr.endpoint import run_blocking
from token_difr.errors import LimitError
from token_difr.rollouts.cache import RolloutCache
from token_difr.rollouts.config import Config
from token_difr.rollouts.drawing import Drawing
from token_difr.rollouts.limits import Budget, RatePace, Slots
from token_difr.rollouts.old_caches import OldCache
from token_difr.rollouts.requests import prompt_requests
from token_difr.rollouts.response import Response
from token_difr.rollouts.samples import Rollouts
from token_difr.rollouts.sending import Connections, Sender
from token_difr.services import Prices

__all__ = ["Prompt", "RolloutsClient"]

Prompt = str | list[dict[str, Any]]
"""A user's message, or a conversation; one that ends with an assistant's message is gone on with."""


class RolloutsClient:
    """Draws samples of a model from a provider, and keeps them.

    Args:
        model: The model by the provider's name.
        **options: Every parameter of :class:`~token_difr.rollouts.Config`; what is none becomes a field of the request.
            All of them can be given again, for one call, to :meth:`generate`, :meth:`agenerate` and :meth:`agenerate_many`.

    Raises:
        InputError: A value out of range.
    """

    def __init__(self, model: str, **options: Any) -> None:
        self.config = Config.of(model, options)
        self.budget = Budget(self.config.max_cost_usd)
        """What this client has spent, and may spend."""
        self._connections = Connections()
        self._paces: dict[float, RatePace] = {}
        self._caches: dict[str, RolloutCache] = {}
        self._prices: dict[tuple[str, str], Prices] = {}
        self._slots: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, dict[int, Slots]] = (
            weakref.WeakKeyDictionary()
        )

    def __getattr__(self, name: str) -> Any:
        """Parameters, as attributes: ``client.temperature``; also fields of the request beyond them."""
        config = self.__dict__.get("config")
        if config is not None and not name.startswith("_"):
            if hasattr(config, name):
                return getattr(config, name)
            if name in config.extra_body:
                return config.extra_body[name]
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __repr__(self) -> str:
        return f"{type(self).__name__}(model={self.config.model!r}, temperature={self.config.temperature})"

    def generate(self, prompt: Prompt, n_samples: int | None = None, **changes: Any) -> Rollouts:
        """The same as :meth:`agenerate`, from synchronous code; works inside a running event loop too."""
        return run_blocking(lambda: self.agenerate(prompt, n_samples, **changes))

    async def agenerate(
        self,
        prompt: Prompt,
        n_samples: int | None = None,
        *,
        on_response: Callable[[Response], None] | None = None,
        **changes: Any,
    ) -> Rollouts:
        """Samples of one prompt.

        Args:
            prompt: A user's message, or a conversation.
            n_samples: How many; None = the client's.
            on_response: Called with every response as it arrives, those from the cache first.
            **changes: Parameters for this call.

        Returns:
            The responses, by seed, and the errors of samples that failed.

        Raises:
            InputError: Something is wrong with prompt or parameters, or the provider cannot do it; nothing was sent.
            LimitError: A ceiling was reached before any sample was answered.
            EndpointError: No sample was answered; the first one's reason. What fails for every request (a refused key, an
                unknown model) is not tried again.
        """
        made = await self._draw([prompt], n_samples, changes, on_response)
        (rollouts,) = made
        if not rollouts.responses and rollouts.errors:
            raise rollouts.errors[0].error
        return rollouts

    async def agenerate_many(
        self,
        prompts: Sequence[Prompt],
        n_samples: int | None = None,
        *,
        on_response: Callable[[Response], None] | None = None,
        **changes: Any,
    ) -> list[Rollouts]:
        """Samples of many prompts, ``concurrency`` requests at a time over all of them; arguments as above.

        Returns:
            One a prompt, in order; failures are in their ``errors``.

        Raises:
            InputError: See :meth:`agenerate`.
        """
        return await self._draw(prompts, n_samples, changes, on_response)

    def generate_many(self, prompts: Sequence[Prompt], n_samples: int | None = None, **changes: Any) -> list[Rollouts]:
        """The same as :meth:`agenerate_many`, from synchronous code."""
        return run_blocking(lambda: self.agenerate_many(prompts, n_samples, **changes))

    def close(self) -> None:
        """Close the cache's file; the next call opens it again."""
        for cache in self._caches.values():
            cache.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def _draw(
        self,
        prompts: Sequence[Prompt],
        n_samples: int | None,
        changes: Mapping[str, Any],
        on_response: Callable[[Response], None] | None,
    ) -> list[Rollouts]:
        config = self._config_of({**changes, **({} if n_samples is None else {"n_samples": n_samples})})
        # In a thread: to load a tokenizer and to render many prompts would block the loop.
        requests = await asyncio.to_thread(
            lambda: [prompt_requests(config, prompt, config.n_samples) for prompt in prompts]
        )
        if not requests:
            return []
        ceiling = config.max_cost_usd
        drawing = Drawing(
            config=config,
            prompts=prompts,
            requests=requests,
            slots=self._slots_of(config.concurrency),
            budget=self.budget if ceiling == self.config.max_cost_usd else Budget(ceiling, above=self.budget),
            cache=self._cache_of(config),
            old_cache=None
            if config.old_cache is None
            else OldCache(config.old_cache, config, requests[0].destination.profile.name),
            on_response=on_response,
        )
        try:
            async with asyncio.timeout(config.max_seconds) as limit:
                await drawing.look_up()
                if drawing.missing:
                    async with self._connections.sender(config, requests[0], self._pace_of(config)) as sender:
                        drawing.prices = await self._prices_of(config, requests[0].destination.url, sender)
                        await drawing.draw(sender)
        except TimeoutError:
            if not limit.expired():  # it is somebody else's
                raise
            drawing.give_up(LimitError(f"max_seconds={config.max_seconds:g} are over"))
        drawing.raise_interruption()
        return drawing.rollouts()

    def _config_of(self, changes: Mapping[str, Any]) -> Config:
        """The parameters of one call."""
        return self.config.changed(changes)

    async def _prices_of(self, config: Config, url: str, sender: Sender) -> Prices | None:
        """The user's; where there is a ceiling, else the provider's own listing, which is asked for once."""
        given = Prices.given(config.price_input, config.price_output)
        if given is not None or config.max_cost_usd is None:
            return given
        if (url, config.model) not in self._prices:
            self._prices[url, config.model] = await sender.prices()
        return self._prices[url, config.model]

    def _cache_of(self, config: Config) -> RolloutCache | None:
        if not config.use_cache:
            return None
        return self._caches.setdefault(str(config.cache_dir), RolloutCache(config.cache_dir))

    def _pace_of(self, config: Config) -> RatePace | None:
        rate = config.requests_per_minute
        return None if rate is None else self._paces.setdefault(rate, RatePace(rate))

    def _slots_of(self, concurrency: int) -> Slots:
        """Slots of the running loop: they belong to one."""
        slots = self._slots.setdefault(asyncio.get_running_loop(), {})
        return slots.setdefault(concurrency, Slots(concurrency))
