"""What each kind of provider is sent, and what becomes of fields that it refuses."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from token_difr.answers import collect
from token_difr.answers.chat_request import chat_fields, refused_field
from token_difr.errors import EndpointError, InputError
from token_difr.records import Asking, Conversation, Response, SamplingParams
from token_difr.services import open_client, profile_named, service_profiles


def run(endpoint: Any, prompts: Sequence[Any], asking: Asking | None = None, **options: Any) -> list[Response]:
    async def work() -> list[Response]:
        async with open_client(endpoint.url, max_retries=0) as client:
            return await collect(
                prompts, client=client, model="m", asking=asking, concurrency=1, progress=False, **options
            )

    return asyncio.run(work())


def refusing(endpoint: Any, field: str, status: int = 400) -> None:
    """Make ``endpoint`` refuse requests that have ``field``."""

    def answer(path: str, body: dict[str, Any]) -> tuple[int, Any]:
        if field in body:
            return status, {"error": {"message": f"Unsupported parameter: '{field}' is not supported"}}
        status_code, content = endpoint.honest(path, body)
        return status_code, content

    endpoint.answer = answer


@pytest.mark.parametrize("name", service_profiles())
def test_neutral_values_are_said(name: str) -> None:
    """Every field that a model's own defaults could set is sent, in each service's own spelling of "off"."""
    profile = profile_named(name)
    fields = chat_fields(profile, SamplingParams(temperature=0.7), index=0, max_tokens=5, asking=Asking())
    assert fields == {"max_tokens": 5, "temperature": 0.7, **profile.neutral}


def test_filters_take_the_place_of_neutral_values() -> None:
    """A filter that is on is sent with its value, also where the service has no neutral one for it."""
    params = SamplingParams(temperature=1.0, top_k=5, min_p=0.1, seed=7)
    fields = chat_fields(profile_named("other"), params, index=0, max_tokens=5, asking=Asking())
    assert (fields["top_k"], fields["min_p"], fields["top_p"], fields["seed"]) == (5, 0.1, 1.0, 7)
    assert chat_fields(profile_named("sglang"), params, index=0, max_tokens=5, asking=Asking())["top_k"] == 5


def test_one_provider_behind_a_router(endpoint: Any, conversations: list[Conversation]) -> None:
    """The router may ask no other provider than the one named."""
    run(endpoint, conversations[:1], Asking(service="openrouter", only="deepinfra/fp8"))
    assert endpoint.requests[0][1]["provider"] == {"only": ["deepinfra/fp8"], "allow_fallbacks": False}


def test_template_variables_go_where_they_are_taken(endpoint: Any, conversations: list[Conversation]) -> None:
    """``chat_template_kwargs`` are sent to a vLLM server, and not to a service that would refuse them."""
    variables = {"enable_thinking": False}
    run(endpoint, conversations[:1], Asking(chat_template_kwargs=variables))
    run(endpoint, conversations[:1], Asking(service="openrouter", chat_template_kwargs=variables))
    assert [body.get("chat_template_kwargs") for _, body, _ in endpoint.requests] == [variables, None]


def test_logprobs_and_token_ids_are_asked_for(endpoint: Any, conversations: list[Conversation]) -> None:
    """Both are requests of their own."""
    run(endpoint, conversations[:1], Asking(logprobs=True, token_ids=True))
    body = endpoint.requests[0][1]
    assert (body["logprobs"], body["return_token_ids"]) == (True, True)
    run(endpoint, conversations[:1], Asking(service="together", logprobs=True))
    assert endpoint.requests[1][1]["logprobs"] == 1


@pytest.mark.parametrize(
    ("asking", "words"),
    [
        (Asking(only="x"), "chooses a provider behind a router"),
        (Asking(service="tinker", logprobs=True), "tinker gives no logprobs"),
        (Asking(service="nobody"), "no service is called 'nobody'"),
    ],
)
def test_what_a_service_cannot_do(endpoint: Any, conversations: list[Conversation], asking: Asking, words: str) -> None:
    """It is refused before anything is sent."""
    with pytest.raises(InputError, match=words):
        run(endpoint, conversations, asking)
    assert endpoint.requests == []


def test_a_refused_neutral_field_is_left_out(endpoint: Any, conversations: list[Conversation]) -> None:
    """It costs one request in all; what was accepted is kept with every answer."""
    refusing(endpoint, "min_p")
    responses = run(endpoint, conversations[:3])
    assert ["min_p" in body for _, body, _ in endpoint.requests] == [True, False, False, False]
    assert all("min_p" not in response.sent and "top_k" in response.sent for response in responses)


def test_a_refused_field_that_acts_is_an_error(endpoint: Any, conversations: list[Conversation]) -> None:
    """A filter that was asked for is never silently left out."""
    refusing(endpoint, "min_p")
    with pytest.raises(EndpointError, match="min_p"):
        run(endpoint, conversations[:1], params=SamplingParams(temperature=1.0, min_p=0.2))


@pytest.mark.parametrize(
    ("message", "status", "field"),
    [
        ("Extra inputs are not permitted: body.top_k", 422, "top_k"),
        ("top_k is not supported", 500, None),
        ("max_top_k_tokens too large", 400, None),
        ("prompt too long", 400, None),
        ("REPETITION_PENALTY unknown", 400, "repetition_penalty"),
    ],
)
def test_which_field_was_refused(message: str, status: int, field: str | None) -> None:
    """Only a refusal that names a field tells which one it is."""
    assert refused_field(message, status, profile_named("vllm").neutral) == field


class Echo:
    """A provider that needs no endpoint."""

    url = "echo"

    async def answer(self, index: int, messages: Conversation, **_: Any) -> Response:
        """The question."""
        return Response(index=index, content=messages[-1]["content"])


def test_any_provider(conversations: list[Conversation]) -> None:
    """Whatever answers conversations is a provider; what only an endpoint could be asked is refused."""

    async def work(asking: Asking | None) -> list[Response]:
        return await collect(conversations, client=Echo(), model="m", asking=asking, progress=False)

    assert [response.content for response in asyncio.run(work(None))] == [c[0]["content"] for c in conversations]
    with pytest.raises(InputError, match="Echo decides itself"):
        asyncio.run(work(Asking(only="x")))


def test_template_variables_have_names() -> None:
    """A variable that no template could name is refused."""
    unfit: Any = {1: 2}
    with pytest.raises(InputError, match="no string"):
        Asking(chat_template_kwargs=unfit)
