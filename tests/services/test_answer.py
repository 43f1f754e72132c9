"""One table of answers, most of them hostile, read by both faces: an audit's record and a rollout's sample."""

from __future__ import annotations

import json
from typing import Any

import pytest

from token_difr.answers.chat_answer import chat_response
from token_difr.errors import AnswerError
from token_difr.rollouts.answer import Expected, response_of
from token_difr.services import StatedUsage, first_choice, logprobs_of, own_logprobs, read_answer

TEXT = {"type": "text", "text": "a"}


def answer(message: Any = None, *, choice: dict[str, Any] | None = None, **body: Any) -> dict[str, Any]:
    """An answer of one choice."""
    return {"choices": [{"message": {"content": "a"} if message is None else message, **(choice or {})}], **body}


READABLE: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "a text": (answer(), {"content": "a"}),
    "null": (answer({"content": None}), {"content": ""}),
    "no content at all": (answer({}), {"content": ""}),
    "parts of text": (answer({"content": [TEXT, {"type": "text", "text": "b"}]}), {"content": "ab"}),
    "no parts": (answer({"content": []}), {"content": ""}),
    "a completion": ({"choices": [{"text": "a"}]}, {"content": "a"}),
    "a completion of null": ({"choices": [{"text": None}]}, {"content": ""}),
    "a message beside a text": (answer(choice={"text": "b"}), {"content": "a"}),
    "a refusal": (answer({"content": None, "refusal": "no"}), {"content": "no"}),
    "a refusal beside a text": (answer({"content": "a", "refusal": "no"}), {"content": "a"}),
    "no refusal": (answer({"content": None, "refusal": None}), {"content": ""}),
    "reasoning": (answer({"content": "a", "reasoning": "r"}), {"content": "a", "reasoning": "r"}),
    "reasoning in the older field": (answer({"content": "a", "reasoning_content": "r"}), {"reasoning": "r"}),
    "reasoning in both fields": (
        answer({"content": "a", "reasoning": "r", "reasoning_content": "s"}),
        {"reasoning": "r"},
    ),
    "reasoning that is empty in one": (
        answer({"content": "a", "reasoning": "", "reasoning_content": "s"}),
        {"reasoning": "s"},
    ),
    "reasoning in parts": (answer({"content": "a", "reasoning": [TEXT]}), {"reasoning": "a"}),
    "a thought among the parts": (
        answer({"content": [{"type": "thinking", "thinking": "r"}, TEXT]}),
        {"content": "a", "reasoning": "r"},
    ),
    "a thought in parts of its own": (
        answer({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "r"}, TEXT]}, TEXT]}),
        {"content": "a", "reasoning": "ra"},
    ),
    "reasoning parts and output text": (
        answer({"content": [{"type": "reasoning", "text": "r"}, {"type": "output_text", "text": "a"}]}),
        {"content": "a", "reasoning": "r"},
    ),
    "a refusal among the parts": (answer({"content": [{"type": "refusal", "refusal": "no"}]}), {"content": "no"}),
    "a redacted thought": (answer({"content": [{"type": "redacted_thinking", "data": "x"}, TEXT]}), {"content": "a"}),
    "reasoning in details": (
        answer({"content": "a", "reasoning": None, "reasoning_details": [{"type": "reasoning.text", "text": "r"}]}),
        {"content": "a", "reasoning": "r"},
    ),
    "details in pieces": (
        answer({"content": "a", "reasoning_details": [{"type": "reasoning.text", "text": text} for text in "rst"]}),
        {"content": "a", "reasoning": "rst"},
    ),
    "details without text": (
        answer({"content": "a", "reasoning_details": [{"type": "reasoning.encrypted", "data": "x"}, 5, None]}),
        {"content": "a", "reasoning": ""},
    ),
    "thinking blocks": (
        answer({"content": "a", "thinking_blocks": [{"type": "thinking", "thinking": "r"}]}),
        {"content": "a", "reasoning": "r"},
    ),
    "details beside the field": (
        answer({"content": "a", "reasoning": "r", "reasoning_details": [{"type": "reasoning.text", "text": "s"}]}),
        {"content": "a", "reasoning": "r"},
    ),
    "null reasoning": (answer({"content": "a", "reasoning": None}), {"reasoning": ""}),
    "a reason to stop": (answer(choice={"finish_reason": "length"}), {"finish_reason": "length"}),
    "no reason to stop": (answer(choice={"finish_reason": None}), {"finish_reason": None}),
    "a reason that is no word": (answer(choice={"finish_reason": 5}), {"finish_reason": None}),
    "an empty reason": (answer(choice={"finish_reason": ""}), {"finish_reason": None}),
    "counts": (
        answer(usage={"prompt_tokens": 3, "completion_tokens": 4}),
        {"prompt_tokens": 3, "completion_tokens": 4},
    ),
    "counts with a point": (answer(usage={"prompt_tokens": 5.0, "completion_tokens": 4.5}), {"prompt_tokens": 5}),
    "counts that are truth values": (answer(usage={"prompt_tokens": True}), {}),
    "counts below 0": (answer(usage={"prompt_tokens": -1, "completion_tokens": -2.0}), {}),
    "counts that are texts": (answer(usage={"prompt_tokens": "3"}), {}),
    "counts without end": (answer(usage={"prompt_tokens": float("inf"), "completion_tokens": float("nan")}), {}),
    "usage that is null": (answer(usage=None), {}),
    "usage that is a list": (answer(usage=[1]), {}),
    "nothing wrong, said twice": (answer(error=None, choice={"error": None}), {"content": "a"}),
    "half a surrogate pair": (answer({"content": "\ud83d"}), {"content": "\ud83d"}),
}
"""Answers, and what is read: what is not named is the default."""

DEFAULTS = {"content": "a", "reasoning": "", "finish_reason": None, "prompt_tokens": None, "completion_tokens": None}

UNREADABLE: dict[str, dict[str, Any]] = {
    "nothing": {},
    "no choices": {"choices": []},
    "choices that are null": {"choices": None},
    "choices that are an object": {"choices": {"0": {"message": {"content": "a"}}}},
    "a choice that is a text": {"choices": ["a"]},
    "a choice without message": {"choices": [{}]},
    "a message that is null": {"choices": [{"message": None}]},
    "a message that is a text": {"choices": [{"message": "a"}]},
    "a message that is a list": {"choices": [{"message": []}]},
    "a number": answer({"content": 5}),
    "zero": answer({"content": 0}),
    "false": answer({"content": False}),
    "an object": answer({"content": {"text": "a"}}),
    "bare texts as parts": answer({"content": ["a"]}),
    "a part that is a picture": answer({"content": [TEXT, {"type": "image_url", "image_url": {"url": "x"}}]}),
    "a part whose text is none": answer({"content": [{"type": "text", "text": None}]}),
    "a completion that is a number": {"choices": [{"text": 0}]},
    "reasoning that is an object": answer({"content": "a", "reasoning": {"text": "r"}}),
    "reasoning that is false": answer({"content": "a", "reasoning": False}),
    "a refusal that is true": answer({"content": None, "refusal": True}),
    "broken off": answer(choice={"finish_reason": "error"}),
    "an error in the choice": answer(choice={"error": {"message": "upstream"}}),
    "an error beside the choices": answer(error={"message": "upstream"}),
}


@pytest.mark.parametrize("name", READABLE)
def test_both_faces_read_alike(name: str) -> None:
    """Text, reasoning, reason and counts are the same; what is unknown is None to an audit, and empty in a sample."""
    body, found = READABLE[name]
    expected = {**DEFAULTS, **found}
    audited, sampled = chat_response(0, body, sent={}), response_of(body, Expected(), seed=0)
    assert {field: getattr(audited, field) for field in expected} == expected
    assert (sampled.content, sampled.reasoning) == (expected["content"], expected["reasoning"])
    assert sampled.finish_reason == (expected["finish_reason"] or "")
    assert sampled.usage.prompt_tokens == (expected["prompt_tokens"] or 0)
    assert sampled.usage.completion_tokens == (expected["completion_tokens"] or 0)


@pytest.mark.parametrize("name", UNREADABLE)
def test_both_faces_refuse_alike(name: str) -> None:
    """What is no answer is an error with the same words, before it is stored."""
    with pytest.raises(AnswerError) as audited:
        chat_response(0, UNREADABLE[name], sent={})
    with pytest.raises(AnswerError) as sampled:
        response_of(UNREADABLE[name], Expected(), seed=0)
    assert str(audited.value) == str(sampled.value)


@pytest.mark.parametrize(
    ("ids", "read"),
    [
        ([1, 2], [1, 2]),
        ([], []),
        (None, None),
        ([1.0], None),
        ([True], None),
        ([-1], None),
        ([2**32], None),
        ("12", None),
    ],
)
def test_token_ids(ids: Any, read: list[int] | None) -> None:
    """All of them, or none."""
    assert read_answer(answer(choice={"token_ids": ids})).token_ids == read


@pytest.mark.parametrize(
    ("usage", "cost", "priceable"),
    [
        ({"cost": 0.25}, 0.25, True),
        ({"cost": "0.25", "prompt_tokens": 1}, None, False),
        ({"cost": -1, "prompt_tokens": 1, "completion_tokens": 2.0}, None, True),
        ({"cost": 10**400}, None, False),
        ({"cost": True}, None, False),
        (None, None, False),
    ],
)
def test_costs(usage: Any, cost: float | None, priceable: bool) -> None:
    """A cost is a finite number of at least 0; without one both counts tell it. Broken answers have usage too."""
    stated = StatedUsage.of({"usage": usage})
    assert (stated.cost_usd, stated.is_priceable) == (cost, priceable)


def test_what_an_answer_says_of_itself() -> None:
    """Words that are none are empty, and a time that is none is 0."""
    said = read_answer(answer(id="x", model=5, object=None, created=7.0, provider="p"))
    assert (said.response_id, said.model, said.object, said.created, said.provider) == ("x", "", "", 7, "p")
    assert read_answer(answer(created=True)).created == 0


@pytest.mark.parametrize(
    ("value", "own", "sample"),
    [
        (-0.5, -0.5, -0.5),
        (0, 0.0, 0.0),
        (-9999.0, "nan", None),
        (float("-inf"), "nan", None),
        ("-inf", "nan", None),
        (-(10**400), "nan", None),
        (None, None, None),
        (True, None, None),
        ("-0.5", None, None),
    ],
)
def test_logprobs_in_both_forms(value: Any, own: Any, sample: float | None) -> None:
    """A number, minus infinity in any spelling, or none; an audit takes all of an answer's logprobs or none of them."""
    content = {"logprobs": {"content": [{"token": "a", "logprob": value}]}}
    lists = {"logprobs": {"tokens": ["a"], "token_logprobs": [value]}}
    refused = {"logprobs": {"content": None, "refusal": content["logprobs"]["content"]}}
    for choice in (content, lists, refused):
        body = answer(choice=choice)
        found = own_logprobs(first_choice(body))
        assert json.loads(json.dumps(found).replace("NaN", '"nan"')) == (None if own is None else [own])
        assert logprobs_of(body, first_choice(body), echo=False).token_logprobs == [sample]
