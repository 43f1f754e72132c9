"""How surely tokens are the model's: by ids, by the provider's counts, and by what it says that it left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from token_difr.records import Fidelity, Response, TokenSequence
from token_difr.sequences import tokenize

COUNTED, UNCOUNTED = Fidelity.COUNTED, Fidelity.UNCOUNTED
CONTRADICTED, INCOMPLETE = Fidelity.CONTRADICTED, Fidelity.INCOMPLETE


def fidelities(characters: Any, answers: list[dict[str, Any]]) -> list[Fidelity | None]:
    """Of answers "abcd" that ended by themselves, each with its own fields."""
    prompts = [[{"role": "user", "content": f"q{n}"}] for n in range(len(answers))]
    plain = {"content": "abcd", "finish_reason": "stop"}
    responses = [Response(index=n, **{**plain, **fields}) for n, fields in enumerate(answers)]
    return [sequence.fidelity for sequence in tokenize(prompts, responses, characters)]


def counts(*numbers: int | None) -> list[dict[str, Any]]:
    return [{"completion_tokens": number} for number in numbers]


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        (counts(5, 5, 5), [COUNTED] * 3),
        (counts(4, 4, 4), [COUNTED] * 3),  # the end token is not counted
        (counts(5, 5, 4), [COUNTED, COUNTED, CONTRADICTED]),  # by one offset, not by either
        (counts(4, 4, 5), [COUNTED, COUNTED, CONTRADICTED]),
        (counts(5, None, 9), [COUNTED, UNCOUNTED, CONTRADICTED]),
        (counts(None, None), [UNCOUNTED] * 2),
        (counts(2, 3, 8, 9), [UNCOUNTED] * 4),  # another tokenizer's
        (counts(5, 5, 8, 9), [COUNTED, COUNTED, CONTRADICTED, CONTRADICTED]),  # half is enough
        (counts(*[8] * 5), [COUNTED] * 5),  # three tokens more in each: counted so, since all agree
        (counts(*[8] * 4), [UNCOUNTED] * 4),  # too few to say so
        (counts(*[8] * 5, 9), [*[COUNTED] * 5, CONTRADICTED]),
    ],
)
def test_counts(characters: Any, answers: list[dict[str, Any]], expected: list[Fidelity]) -> None:
    """Counts are believed where half of them agree by one offset; then those that do not, contradict."""
    assert fidelities(characters, answers) == expected


def test_length_has_no_tolerance(characters: Any) -> None:
    """An output that was cut has no end token that may count or not."""
    cut = [{"completion_tokens": number, "finish_reason": "length"} for number in (4, 4, 5)]
    assert fidelities(characters, cut) == [COUNTED, COUNTED, CONTRADICTED]


def test_ids_are_the_surest(characters: Any) -> None:
    """Ids that spell the text need no count; ids that do not are none, and the text is judged."""
    body = {"choices": [{"token_ids": [ord(letter) for letter in "abcd"]}]}
    false = {"choices": [{"token_ids": [1, 2]}]}
    answers: list[dict[str, Any]] = [{"body": body, "completion_tokens": 99}, {"body": false}]
    assert fidelities(characters, answers) == [Fidelity.IDS, UNCOUNTED]


def chat(message: Mapping[str, Any] | None = None, **usage: Any) -> dict[str, Any]:
    """Fields of a response whose body is a chat answer of "abcd"."""
    return {"body": {"choices": [{"message": {"content": "abcd", **(message or {})}}], "usage": usage}}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (chat(completion_tokens_details={"reasoning_tokens": 7}), INCOMPLETE),
        (chat(reasoning_tokens=7), INCOMPLETE),
        (chat({"reasoning_details": [{"type": "reasoning.encrypted", "data": "QUJD"}]}), INCOMPLETE),
        (chat({"reasoning_details": [{"type": "reasoning.summary", "summary": "It thought."}]}), INCOMPLETE),
        (chat({"content": [{"type": "redacted_thinking", "data": "x"}, {"type": "text", "text": "a"}]}), INCOMPLETE),
        (chat({"thinking_blocks": [{"type": "redacted_thinking", "data": "x"}]}), INCOMPLETE),
        (chat({"thinking_blocks": [{"type": "thinking", "thinking": "", "signature": "QUJD"}]}), INCOMPLETE),
        (chat({"reasoning_details": [{"type": "reasoning.text", "text": None, "signature": "QUJD"}]}), INCOMPLETE),
        (chat({"reasoning_details": [{"type": "reasoning", "summary": [{"type": "summary_text"}]}]}), INCOMPLETE),
        (
            chat({"content": [{"type": "reasoning", "encrypted_content": "x"}, {"type": "text", "text": "a"}]}),
            INCOMPLETE,
        ),
        (chat({"reasoning_opaque": "QUJD"}), INCOMPLETE),
        (chat({"encrypted_content": "QUJD", "reasoning": None}), INCOMPLETE),
        (chat({"thought_signature": ""}), UNCOUNTED),
        (chat({"signature": "of the whole answer"}), UNCOUNTED),
        (chat({"reasoning_details": [{"type": "reasoning.text", "text": "", "signature": None}]}), UNCOUNTED),
        (chat(completion_tokens_details={"reasoning_tokens": 0}), UNCOUNTED),
        (chat({"reasoning_details": []}), UNCOUNTED),
        (chat({"reasoning_details": [{"type": "reasoning.encrypted", "data": ""}]}), UNCOUNTED),
        (chat({"content": "hm</think>abcd"}, completion_tokens_details={"reasoning_tokens": 7}), UNCOUNTED),
    ],
)
def test_parts_that_were_not_sent(characters: Any, fields: dict[str, Any], expected: Fidelity) -> None:
    """Reasoning that is counted, encrypted, redacted or summed up, and whose text did not come."""
    assert fidelities(characters, [fields]) == [expected]


@pytest.mark.parametrize(
    "message",
    [
        {"reasoning": "hm", "signature": "QUJD"},
        {"reasoning_details": [{"type": "reasoning.text", "text": "hm", "signature": "QUJD"}]},
        {"thinking_blocks": [{"type": "thinking", "thinking": "hm", "signature": "QUJD"}]},
    ],
)
def test_a_signed_thought_is_sent(characters: Any, message: dict[str, Any]) -> None:
    """A signature beside the text hides nothing."""
    assert fidelities(characters, [{**chat(message), "reasoning": "hm"}]) == [UNCOUNTED]


def test_a_false_count_does_not_make_hidden_reasoning_whole(characters: Any) -> None:
    """Some count the answer alone: that this agrees says nothing of what is missing."""
    hidden = chat(completion_tokens=5, completion_tokens_details={"reasoning_tokens": 7})
    assert fidelities(characters, [*counts(5, 5), {**hidden, "completion_tokens": 5}])[2] == INCOMPLETE


def test_a_summary_of_the_reasoning(characters: Any) -> None:
    """A text far shorter than what was counted is no text of it; one that is as long, but for the tokenizer, is."""
    for counted, expected in ((900, INCOMPLETE), (3, UNCOUNTED)):
        body = chat({"reasoning": "hm"}, completion_tokens_details={"reasoning_tokens": counted})["body"]
        assert fidelities(characters, [{"reasoning": "hm", "body": body}]) == [expected]


def test_unscorable() -> None:
    """What is contradicted or incomplete is not scored; files of other tools say nothing, and are."""
    scorable = {fidelity: TokenSequence([1], [2], fidelity=fidelity).scorable for fidelity in (None, *Fidelity)}
    assert [fidelity for fidelity, is_so in scorable.items() if not is_so] == [CONTRADICTED, INCOMPLETE]


def test_records_there_and_back() -> None:
    """What is not known is not written: files of 0.1 stay as they are."""
    plain = TokenSequence([1], [2])
    assert plain.to_dict() == {"prompt_token_ids": [1], "output_token_ids": [2]}
    told = TokenSequence([1], [2], fidelity=Fidelity.COUNTED, repaired=True)
    assert told.to_dict() == {**plain.to_dict(), "fidelity": "counted", "repaired": True}
    assert [TokenSequence.from_dict(each.to_dict()) for each in (plain, told)] == [plain, told]
