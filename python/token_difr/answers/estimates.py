"""What an audit would send, and what that would cost."""

from __future__ import annotations

from dataclasses import dataclass

from token_difr.services import Prices

__all__ = ["Estimate", "estimate"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """Figures of one stage before it is run.

    Attributes:
        requests: Requests to be sent, retries aside.
        prompt_tokens: Tokens of the rendered prompts; None if nobody has counted them.
        max_output_tokens: Tokens that the answers may have together at most.
        max_cost: In the currency of the prices, at most; None if a price or the prompt tokens are unknown.
    """

    requests: int
    prompt_tokens: int | None
    max_output_tokens: int
    max_cost: float | None


def estimate(
    requests: int,
    *,
    max_tokens: int,
    prompt_tokens: int | None = None,
    price_input: float | None = None,
    price_output: float | None = None,
) -> Estimate:
    """What asking an endpoint comes to. Sends nothing.

    Args:
        requests: Requests that are still to be sent.
        max_tokens: The longest output of each, in tokens.
        prompt_tokens: Tokens of all prompts together, if they have been counted.
        price_input: Price of a million prompt tokens.
        price_output: Price of a million output tokens.

    Raises:
        InputError: A negative price.
    """
    prices = Prices.given(price_input, price_output)
    max_output_tokens = requests * max_tokens
    cost = None if prices is None or prompt_tokens is None else prices.cost(prompt_tokens, max_output_tokens)
    return Estimate(requests=requests, prompt_tokens=prompt_tokens, max_output_tokens=max_output_tokens, max_cost=cost)
