"""The ceiling on what is spent: prices, what answers say that they cost, and budgets."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from token_difr.errors import EndpointError, InputError, LimitError
from token_difr.rollouts import RolloutsClient
from token_difr.rollouts.limits import Budget
from token_difr.services.prices import _per_million
from token_difr.testing.faulty_provider import faulty_provider

MakeClient = Callable[..., RolloutsClient]
PRICED = {"max_cost_usd": 0.0001, "price_input": 0.0, "price_output": 1.0, "max_tokens": 40}


def answering(endpoint: Any, **changes: Any) -> None:
    """Make ``endpoint`` answer with these fields of the body changed."""

    def answer(path: str, body: dict[str, Any]) -> tuple[int, Any]:
        status, content = endpoint.honest(path, body)
        return status, {**content, **changes}

    endpoint.answer = answer


def test_cost_ceiling_is_not_exceeded(endpoint: Any, make_client: MakeClient) -> None:
    """Requests reserve what they may cost; what they did not is free again."""

    def answer(path: str, body: dict[str, Any]) -> tuple[int, Any]:
        _, content = endpoint.honest(path, body)
        return 200, {**content, "usage": {"prompt_tokens": 0, "completion_tokens": 10}}

    endpoint.answer = answer
    client = make_client(endpoint.url, max_cost_usd=0.0001, price_input=0.0, price_output=1.0, max_tokens=40)
    drawn = client.generate("why?", 20)
    assert len(drawn) == 7  # the eighth could cost 40 dollars a million, with 30 left
    assert client.budget.spent_usd == pytest.approx(70e-6)
    assert all(isinstance(error.error, LimitError) for error in drawn.errors)
    with pytest.raises(LimitError, match=r"max_cost_usd=0\.0001 is reached"):
        client.generate("else?")


def test_prices_of_the_listing(make_client: MakeClient) -> None:
    """Without prices the provider's own listing is asked, once; a model that it lacks is named."""
    with faulty_provider(share=0.0) as provider:
        client = make_client(provider.url, max_cost_usd=1.0)
        usage = client.generate("why?")[0].usage
        client.generate("how?")
        assert [each.output for each in client._prices.values()] == [pytest.approx(2.0)]
        with pytest.raises(InputError, match="lists none for 'other'"):
            client.generate("why?", model="other")
    cost = (usage.prompt_tokens + 2 * usage.completion_tokens) / 1e6
    assert client.budget.spent_usd == pytest.approx(2 * cost)


def test_listing_that_there_is_not(endpoint: Any, make_client: MakeClient) -> None:
    """A ceiling without prices sends nothing."""
    client = make_client(endpoint.url, max_cost_usd=1.0)
    with pytest.raises((InputError, EndpointError)):
        client.generate("why?")
    assert endpoint.requests == []


def test_cost_that_the_provider_says(endpoint: Any, make_client: MakeClient) -> None:
    """``usage.cost`` is what was charged."""

    def answer(path: str, body: dict[str, Any]) -> tuple[int, Any]:
        _, content = endpoint.honest(path, body)
        return 200, {**content, "usage": {"cost": 0.25}}

    endpoint.answer = answer
    client = make_client(endpoint.url)
    assert client.generate("why?")[0].usage.cost_usd == 0.25
    assert client.budget.spent_usd == 0.25


def test_budget_waits_for_what_is_in_flight() -> None:
    """A reservation that does not fit waits while others may yet give something back."""

    async def work() -> float:
        budget = Budget(1.0)
        await budget.reserve(0.8)
        second = asyncio.create_task(budget.reserve(0.8))
        await asyncio.sleep(0.05)
        assert not second.done()
        budget.settle(0.8, 0.1)
        await second
        budget.settle(0.8, 0.8)
        with pytest.raises(LimitError):
            await budget.reserve(0.2)
        return budget.spent_usd

    assert asyncio.run(work()) == pytest.approx(0.9)


@pytest.mark.parametrize("extra", [{"max_completion_tokens": 100}, {"extra_body": {"max_tokens": 100}}])
def test_the_ceiling_looks_at_what_is_sent(endpoint: Any, make_client: MakeClient, extra: dict[str, Any]) -> None:
    """Whichever field allows the longer answer."""
    answering(endpoint, usage={"prompt_tokens": 0, "completion_tokens": 100})
    client = make_client(endpoint.url, **PRICED, **extra)
    assert len(client.generate("why?", 9)) == 1
    assert client.budget.spent_usd == pytest.approx(0.0001)


@pytest.mark.parametrize("usage", [{"total_tokens": 5}, {"prompt_tokens": 5}, {"completion_tokens": 5}, {}])
def test_usage_that_says_half(endpoint: Any, make_client: MakeClient, usage: dict[str, int]) -> None:
    """It counts in full, like none."""
    answering(endpoint, usage=usage)
    assert len(make_client(endpoint.url, **PRICED).generate("why?", 20)) == 2


def test_counts_with_a_decimal_point(endpoint: Any, make_client: MakeClient) -> None:
    """They are counts."""
    answering(endpoint, usage={"prompt_tokens": 1.0, "completion_tokens": 4.0})
    assert make_client(endpoint.url).generate("why?")[0].usage.total_tokens == 5


def test_answers_that_do_not_say_what_they_used(endpoint: Any, make_client: MakeClient) -> None:
    """They may have used all that they could."""
    answering(endpoint, usage=None)
    client = make_client(endpoint.url, **PRICED)
    assert len(client.generate("why?", 20)) == 2
    assert client.budget.spent_usd == pytest.approx(80e-6)


def test_refused_answers_were_paid_for(endpoint: Any, make_client: MakeClient) -> None:
    """What cannot be used counts against the ceiling all the same."""
    choice = {"message": {"content": "a"}, "finish_reason": "error"}
    answering(endpoint, choices=[choice], usage={"cost": 0.00004})
    client = make_client(endpoint.url, **PRICED, concurrency=1)
    (drawn,) = client.generate_many(["why?"], 20)
    assert (len(drawn), len(endpoint.requests)) == (0, 2)
    assert client.budget.spent_usd == pytest.approx(80e-6)


def test_a_ceiling_for_one_call_lies_below_the_clients(endpoint: Any, make_client: MakeClient) -> None:
    """Both hold, and what the call spends is spent by the client."""
    answering(endpoint, usage={"prompt_tokens": 0, "completion_tokens": 40})
    client = make_client(endpoint.url, **PRICED)
    assert len(client.generate("why?", 9, max_cost_usd=0.00005)) == 1
    assert client.budget.spent_usd == pytest.approx(40e-6)
    assert len(client.generate("how?", 9, max_cost_usd=1.0)) == 1


def test_prices_that_depend() -> None:
    """A listing of -1 is no price."""
    with pytest.raises(ValueError, match="-1"):
        _per_million("-1")


@pytest.mark.parametrize("cost", [10**400, float("inf"), "much"])
def test_costs_that_are_none(endpoint: Any, make_client: MakeClient, cost: Any) -> None:
    """An absurd number is a named error or no number, and spoils no other sample."""

    def answer(path: str, body: dict[str, Any]) -> tuple[int, Any]:
        status, content = endpoint.honest(path, body)
        return status, {**content, "usage": {"cost": cost}} if body["seed"] == 0 else content

    endpoint.answer = answer
    drawn = make_client(endpoint.url).generate("why?", 3)
    assert {response.seed for response in drawn} >= {1, 2}
    assert len(drawn) + len(drawn.errors) == 3
