"""What requests cost: by the provider's own word, else by tokens and prices. One unit: US dollars for a million tokens."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from token_difr.endpoint import answer_body, endpoint_error, shown_url
from token_difr.errors import AnswerError, InputError
from token_difr.services.usage import StatedUsage
from token_difr.untrusted import money

if TYPE_CHECKING:
    from openai import AsyncOpenAI

__all__ = ["Prices", "listed_prices"]

MILLION = 1e6


@dataclass(frozen=True, slots=True)
class Prices:
    """What tokens cost.

    Attributes:
        input: A million prompt tokens, in US dollars, or whatever else the user reckons in.
        output: A million tokens of the answer.
        request: A request, beside its tokens.
    """

    input: float
    output: float
    request: float = 0.0

    @classmethod
    def given(cls, price_input: float | None, price_output: float | None) -> Prices | None:
        """The user's; None unless both are given.

        Raises:
            InputError: A negative price.
        """
        for name, price in (("price_input", price_input), ("price_output", price_output)):
            if price is not None and not price >= 0:
                raise InputError(f"{name} must be at least 0, not {price!r}")
        return None if price_input is None or price_output is None else cls(price_input, price_output)

    def cost(self, prompt_tokens: float, output_tokens: float, *, requests: int = 1) -> float:
        """What so many tokens cost, and the requests that they belong to."""
        return (prompt_tokens * self.input + output_tokens * self.output) / MILLION + requests * self.request

    def most(self, body: Mapping[str, Any]) -> float:
        """What a request may cost at most: no token is shorter than a byte of it."""
        limits = [body.get(name) for name in ("max_tokens", "max_completion_tokens")]
        longest = max(value for value in limits if isinstance(value, int | float))
        return self.cost(len(json.dumps(body)), longest)

    @staticmethod
    def cost_of(usage: StatedUsage, prices: Prices | None) -> float:
        """What an answer has cost: what the provider says, else its tokens at ``prices``, where they are known."""
        if usage.cost_usd is not None:
            return usage.cost_usd
        return 0.0 if prices is None else prices.cost(usage.prompt_tokens or 0, usage.completion_tokens or 0)


async def listed_prices(client: AsyncOpenAI, model: str) -> Prices:
    """The prices in the provider's own listing of models (``GET /models``, ``pricing`` in US dollars a token).

    Raises:
        InputError: It lists none for ``model``.
    """
    import httpx2
    import openai

    try:
        answer = await client.get("/models", cast_to=httpx2.Response)
        listed: Any = answer_body(answer.content, client=client)["data"]
        pricing = next(each["pricing"] for each in listed if each.get("id") == model)
        request = _per_million(pricing.get("request") or 0) / MILLION
        return Prices(_per_million(pricing["prompt"]), _per_million(pricing["completion"]), request)
    except openai.OpenAIError as error:
        raise endpoint_error(error, client=client, model=model) from error
    except (AnswerError, ValueError, KeyError, TypeError, AttributeError, StopIteration) as error:
        raise InputError(
            f"max_cost_usd needs prices, and {shown_url(client)} lists none for {model!r}: give price_input and "
            "price_output, in US dollars for a million tokens"
        ) from error


def _per_million(price: object) -> float:
    """A price a token, as text or number. -1 means that it depends on the request, which is none."""
    value = money(float(str(price)) * MILLION)
    if value is None:
        raise ValueError(price)
    return value
