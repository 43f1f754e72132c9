"""Requests of completions through Tinker's SDK: what an HTTP endpoint would be sent, and what it would answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from token_difr.endpoint.transport import Pace
from token_difr.errors import EndpointUnreachableError, InputError
from token_difr.records import SamplingParams
from token_difr.services import Prices
from token_difr.tinker.provider import TinkerProvider

__all__ = ["TINKER", "TinkerSender", "check_request"]

TINKER = "tinker"
"""What stands in the place of a base URL where the SDK is asked."""

TAKEN = frozenset({"temperature", "top_p", "top_k", "max_tokens", "stop", "seed"})
"""Request fields that the SDK's sampler has."""


class TinkerSender:
    """Asks as :class:`TinkerProvider` does; prompts are token ids already.

    Args:
        client: The SDK's ``SamplingClient``.
        decode: Token ids -> text; takes ``skip_special_tokens``.
        stop: Strings or token ids at which answers end; None = the model's end token.
        timeout_seconds: For the whole of one answer.
        pace: Called before every request.

    Raises:
        InputError: tinker is not installed.
    """

    def __init__(
        self,
        client: Any,
        decode: Callable[..., str],
        *,
        stop: str | Sequence[str] | Sequence[int] | None,
        timeout_seconds: float,
        pace: Pace | None = None,
    ) -> None:
        self._timeout = timeout_seconds
        self._pace = pace
        self._provider = TinkerProvider(
            client,
            render=lambda messages: messages[0]["token_ids"],
            decode=lambda ids: decode(ids, skip_special_tokens=True),
            stop=stop,
        )

    async def send(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to a request of completions, in the form of a chat answer with ``usage``.

        Raises:
            EndpointError: The service failed, or gave no answer in time.
        """
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
        """Nothing that the service lists.

        Raises:
            InputError: Always.
        """
        raise InputError(
            "tinker lists no prices: give price_input and price_output, in US dollars for a million tokens"
        )


def check_request(asked: Mapping[str, Any], *, logprobs: int | None) -> None:
    """Whether the SDK's sampler has what is asked for.

    Args:
        asked: Request fields and other settings by name; what is off, empty or None is not asked for.
        logprobs: How many of the likeliest tokens come with theirs.

    Raises:
        InputError: It has not.
    """
    unfit = [name for name, value in asked.items() if value and name not in TAKEN]
    if unfit:
        raise InputError(f"tinker's sampler does not have {', '.join(unfit)}: leave it out")
    if logprobs:
        raise InputError("tinker gives the logprobs of the tokens drawn, and of no others: logprobs=0")
