"""What requests cost: by the provider's own word, else by tokens and prices."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from token_difr.endpoint import endpoint_error
from token_difr.errors import InputError
from token_difr.rollouts.config import Config
from token_difr.rollouts.records import Usage

if TYPE_CHECKING:
    from openai import AsyncOpenAI

__all__ = ["Prices", "listed_prices"]

MILLION = 1e6


@dataclass(frozen=True, slots=True)
class Prices:
    """US dollars for a million tokens.

    Attributes:
        input: Prompt tokens.
        output: Tokens of the answer.
        request: US dollars for a request, beside its tokens.
    """

    input: float
    output: float
    request: float = 0.0

    @classmethod
    def given(cls, config: Config) -> Prices | None:
        """The user's; None unless both are given."""
        if config.price_input is None or config.price_output is None:
            return None
        return cls(config.price_input, config.price_output)

    def most(self, body: Mapping[str, Any]) -> float:
        """What a request may cost at most: no token is shorter than a byte of it."""
        limits = [body.get(name) for name in ("max_tokens", "max_completion_tokens")]
        longest = max(value for value in limits if isinstance(value, int | float))
        return (len(json.dumps(body)) * self.input + longest * self.output) / MILLION + self.request

    @staticmethod
    def cost_of(usage: Usage, prices: Prices | None) -> float:
        """What an answer has cost: what the provider says, else its tokens at ``prices``, where they are known."""
        if usage.cost_usd is not None:
            return usage.cost_usd
        if prices is None:
            return 0.0
        tokens = usage.prompt_tokens * prices.input + usage.completion_tokens * prices.output
        return tokens / MILLION + prices.request


async def listed_prices(client: AsyncOpenAI, model: str) -> Prices:
    """The prices in the provider's own listing of models (``GET /models``, ``pricing`` in US dollars a token).

    Raises:
        InputError: It lists none for ``model``.
    """
    import httpx2
    import openai

    try:
        answer = await client.get("/models", cast_to=httpx2.Response)
        listed = json.loads(answer.content)["data"]
        pricing = next(each["pricing"] for each in listed if each.get("id") == model)
        request = _per_million(pricing.get("request") or 0) / MILLION
        return Prices(_per_million(pricing["prompt"]), _per_million(pricing["completion"]), request)
    except openai.OpenAIError as error:
        raise endpoint_error(error, client=client, model=model) from error
    except (ValueError, KeyError, TypeError, AttributeError, StopIteration) as error:
        raise InputError(
            f"max_cost_usd needs prices, and {client.base_url} lists none for {model!r}: give price_input and "
            "price_output, in US dollars for a million tokens"
        ) from error


def _per_million(price: object) -> float:
    """A price a token, as text or number. -1 means that it depends on the request, which is none."""
    value = float(str(price)) * MILLION
    if not 0 <= value < math.inf:
        raise ValueError(price)
    return value
