"""Fields that an engine took without an error and did not keep."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from captures.replay import captures, load
from token_difr.findings.ignored_fields import ignored_fields

MakeEvidence = Callable[..., Any]
ROWS = {"content": [{"token": "a", "top_logprobs": [{}, {}]}, {"token": "b", "top_logprobs": [{}, {}, {}]}]}


def answer(choice: dict[str, Any], **fields: Any) -> Callable[[int], dict[str, Any]]:
    """Gives every response this first choice."""
    return lambda _: {"body": {"choices": [choice]}, **fields}


@pytest.mark.parametrize(
    ("sent", "choice", "fields", "level"),
    [
        ({"return_token_ids": True}, {}, {}, "note"),
        ({"return_token_ids": True}, {"token_ids": None}, {}, "note"),
        ({"logprobs": True}, {"logprobs": None}, {}, "note"),
        ({"logprobs": True}, {"logprobs": {}}, {}, "note"),
        ({"top_logprobs": 5}, {"logprobs": ROWS}, {}, "note"),
        ({"max_tokens": 3}, {}, {"completion_tokens": 4}, "warning"),
        ({"max_completion_tokens": 3}, {}, {"completion_tokens": 300}, "warning"),
        ({"stop": ["nothing", "ans"]}, {}, {"content": "an answer"}, "warning"),
        ({"stop": "\n"}, {}, {"content": "a\nb"}, "warning"),
        ({"n": 3}, {}, {}, "warning"),
    ],
)
def test_what_is_not_kept_is_named(
    sent: dict[str, Any], choice: dict[str, Any], fields: dict[str, Any], level: str, evidence: MakeEvidence
) -> None:
    """By its name and with the number of answers; a warning where it changes what was answered."""
    found = ignored_fields(evidence(change=answer(choice, sent=sent, **fields)))
    assert found is not None
    assert (found.level, found.evidence["unkept"]) == (level, dict.fromkeys(sent, 12))


@pytest.mark.parametrize(
    ("sent", "choice", "fields"),
    [
        ({}, {}, {}),
        ({"return_token_ids": True}, {"token_ids": []}, {}),
        ({"return_token_ids": False, "logprobs": False, "stop": None, "stop_token_ids": [2]}, {}, {}),
        ({"logprobs": True, "top_logprobs": 3}, {"logprobs": ROWS}, {}),
        ({"logprobs": True}, {}, {"content": "", "completion_tokens": 0}),
        ({"top_logprobs": 5}, {"logprobs": {"content": None}}, {}),
        ({"max_tokens": 3}, {}, {"completion_tokens": 3}),
        ({"max_tokens": 3}, {}, {"completion_tokens": None}),
        ({"stop": ["x"], "include_stop_str_in_output": True}, {}, {"content": "ax"}),
        ({"stop": ["x", None, 3]}, {}, {"content": "a"}),
        ({"n": 1}, {}, {}),
    ],
)
def test_what_is_kept_or_does_not_show_is_not(
    sent: dict[str, Any], choice: dict[str, Any], fields: dict[str, Any], evidence: MakeEvidence
) -> None:
    """Nor is anything said of fields that no answer could show."""
    assert ignored_fields(evidence(change=answer(choice, sent=sent, **fields))) is None


def test_one_answer_is_enough(evidence: MakeEvidence) -> None:
    """Engines behind one router keep different fields."""
    found = ignored_fields(
        evidence(change=lambda n: {"sent": {"max_tokens": 9}, "completion_tokens": 12 if n == 7 else 9})
    )
    assert found is not None
    assert "max_tokens (in 1 of 12 answers)" in found.text


@pytest.mark.parametrize("name", [name for name in captures() if name.endswith(("cut-in-character", "chat-logprobs"))])
def test_real_engines(name: str, evidence: MakeEvidence) -> None:
    """One keeps all that it was asked for (vLLM); llama.cpp takes ``return_token_ids`` and tells none."""
    seen = load(name)
    fields: dict[str, Any] = {"body": seen.answer, "sent": seen.asked, "completion_tokens": None}
    found = ignored_fields(evidence(count=1, change=lambda _: fields))
    unkept = {} if found is None else found.evidence["unkept"]
    assert unkept == ({"return_token_ids": 1} if name.startswith("llamacpp") else {})
