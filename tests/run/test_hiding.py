"""A provider that hides a part of its answers is never consistent; one that only says less is judged as it would be."""

from __future__ import annotations

from collections.abc import Callable, Container
from pathlib import Path
from typing import Any

import pytest

from token_difr.answers.chat_answer import chat_response
from token_difr.errors import RowsError
from token_difr.records import Conversation, Response, SamplingParams, TokenSequence, TopKBatch, Verdict
from token_difr.reference import Reference
from token_difr.run.audit import AuditRun, audit
from toy_cuts import Pieces, rows_of

COUNT = 166
"""So many that a tenth of them may be left out, and the rest be enough to call it consistent."""

PROMPTS: list[list[dict[str, Any]]] = [[{"role": "user", "content": str(n)}] for n in range(COUNT)]
WORDS = ("abc", "ca", "b", "cc")
Edit = Callable[[int, dict[str, Any]], object]


def text_of(n: int, *, is_other: bool = False) -> str:
    """What the model answers to question n; or what another one does, which leaves its way at the second word."""
    words = [WORDS[(n * 7 + j * (1 + n % 3)) % 4] for j in range(4 + n % 3)]
    if is_other:
        words[1:] = [WORDS[(WORDS.index(word) + 1) % 4] for word in words[1:]]
    return " ".join(words)


def tokens_of(text: str) -> list[int]:
    return Pieces().encode(text, add_special_tokens=False, split_special_tokens=True)


class EditedProvider:
    """Gives the model's own answers as a chat endpoint does, but for what is edited."""

    url = "in process"

    def __init__(self, edit: Edit) -> None:
        self.edit = edit

    async def answer(
        self, index: int, messages: Conversation, *, model: str, params: SamplingParams, max_tokens: int
    ) -> Response:
        """The answer to one question."""
        del messages, model, params, max_tokens
        body: dict[str, Any] = {
            "choices": [{"message": {"role": "assistant", "content": text_of(index)}, "finish_reason": "length"}],
            "usage": {"prompt_tokens": 1, "completion_tokens": len(tokens_of(text_of(index)))},
        }
        self.edit(index, body)
        return chat_response(index, body, sent={})


class ModelItself(Reference):
    """Knows what the model answers to each question.

    Args:
        unread: Questions whose answers it cannot read.
    """

    url, model, dialect, topk_logprobs = "http://reference/v1", "m", "vllm", 1

    def __init__(self, unread: Container[int] = ()) -> None:
        self.unread = unread

    async def rows(self, sequence: TokenSequence, *, tag: str) -> TopKBatch:
        """Sure of the next token, as long as it reads the model's own."""
        index = int(tag.removeprefix("reference-"))
        if index in self.unread:
            raise RowsError("the reference read other tokens than those sent")
        return rows_of(sequence, tokens_of(text_of(index)))


def run_audit(edit: Edit, out: Path, baseline: Path | None = None, unread: Container[int] = ()) -> AuditRun:
    asked: dict[str, Any] = {
        "model": "m",
        "tokenizer": Pieces(),
        "repair_requests": 0,
        "preflight": False,
        "progress": False,
    }
    reference = ModelItself(unread)
    return audit(PROMPTS, provider=EditedProvider(edit), reference=reference, out=out, baseline=baseline, **asked)


def unedited(_index: int, _answer: dict[str, Any]) -> None:
    """An honest answer that says all there is to say."""


@pytest.fixture(scope="module")
def baseline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of a provider that is trusted."""
    return run_audit(unedited, tmp_path_factory.mktemp("baseline") / "run").path


def in_every(step: int, *edits: Edit) -> Edit:
    """These edits in every second, or third, answer."""

    def edit(index: int, answer: dict[str, Any]) -> None:
        for each in edits if index % step == 0 else ():
            each(index, answer)

    return edit


def but_every(step: int, *edits: Edit) -> Edit:
    """These edits in all answers but every second, or third."""
    return lambda index, answer: [each(index, answer) for each in edits if index % step]


def other_text(index: int, answer: dict[str, Any]) -> None:
    """Another model's answer, counted rightly."""
    text = text_of(index, is_other=True)
    answer["choices"][0]["message"]["content"] = text
    answer["usage"]["completion_tokens"] = len(tokens_of(text))


def counted(more: Callable[[int], int]) -> Edit:
    def edit(index: int, answer: dict[str, Any]) -> None:
        answer["usage"]["completion_tokens"] += more(index)

    return edit


def message(**fields: Any) -> Edit:
    return lambda _, answer: answer["choices"][0]["message"].update(fields)


def usage(**fields: Any) -> Edit:
    return lambda _, answer: answer["usage"].update(fields)


def empty(_: int, answer: dict[str, Any]) -> None:
    answer["choices"][0].update(message={"role": "assistant", "content": ""}, finish_reason="stop")
    answer["usage"]["completion_tokens"] = 0


def without(*names: str) -> Edit:
    def edit(_: int, answer: dict[str, Any]) -> None:
        for name in names:
            answer.get("usage", {}).pop(name, None)
            answer.pop(name, None)

    return edit


ENCRYPTED = message(reasoning_details=[{"type": "reasoning.encrypted", "data": "QUJD"}])
REDACTED = message(thinking_blocks=[{"type": "redacted_thinking", "data": "QUJD"}])
REASONED = usage(completion_tokens_details={"reasoning_tokens": 40})

HIDES: dict[str, Edit] = {
    "half: counts that vary": in_every(2, other_text, counted(lambda n: 1 + n % 5)),
    "half: counts with a constant": in_every(2, other_text, counted(lambda _: 7)),
    "half: counts of honest texts": in_every(2, counted(lambda n: 3 + n % 4)),
    "most: counts that vary": but_every(3, other_text, counted(lambda n: 1 + n % 5)),
    "half: reasoning is counted and not sent": in_every(2, other_text, REASONED),
    "half: reasoning is encrypted": in_every(2, other_text, ENCRYPTED),
    "half: reasoning is redacted": in_every(2, other_text, REDACTED),
    "half: honest texts of reasoning that is not sent": in_every(2, REASONED),
    "a fifth is empty": in_every(5, empty),
    "a fifth is empty, and counted": in_every(5, empty, usage(completion_tokens=9)),
    "half: no counts where the text is another": in_every(2, other_text, without("completion_tokens")),
    "a tenth: no usage where the text is another": in_every(10, other_text, without("usage")),
    "a tenth: another text and false counts": in_every(10, other_text, counted(lambda n: 1 + n % 5)),
}

SAYS_LESS: dict[str, Edit] = {
    "no usage": without("usage"),
    "no counts of answers": without("completion_tokens"),
    "no usage in half of the answers": in_every(2, without("usage")),
    "counts of another tokenizer": counted(lambda n: n % 9 - 4),
    "counts with a constant": counted(lambda _: 2),
    "reasoning is counted as none": usage(completion_tokens_details={"reasoning_tokens": 0}),
}


@pytest.mark.parametrize("edit", HIDES.values(), ids=HIDES)
def test_whoever_hides_is_never_consistent(edit: Edit, baseline: Path, tmp_path: Path) -> None:
    """Answers that cannot be scored, empty ones and answers without a count are no way past the verdict."""
    assert run_audit(edit, tmp_path / "run", baseline).verdict is not Verdict.CONSISTENT


@pytest.mark.parametrize("edit", SAYS_LESS.values(), ids=SAYS_LESS)
def test_whoever_says_less_is_judged_by_the_text(edit: Edit, baseline: Path, tmp_path: Path) -> None:
    """An honest provider without counts, or with counts that nobody can believe, is consistent as one with them."""
    assert run_audit(edit, tmp_path / "run", baseline).verdict is Verdict.CONSISTENT


def ninth_of_ten(index: int, answer: dict[str, Any]) -> None:
    """Another model's text, where the reference cannot read it."""
    if index % 10 == 9:
        other_text(index, answer)


def test_answers_that_the_reference_cannot_read(baseline: Path, tmp_path: Path) -> None:
    """One of them, or as many on both sides, changes nothing; a tenth on one side alone is never consistent.

    Nor is it divergent for what the reference did not read.
    """
    tenth = range(9, COUNT, 10)
    alike = run_audit(unedited, tmp_path / "alike", unread=tenth)
    again = run_audit(unedited, tmp_path / "again", alike.path, unread=tenth)
    assert again.decision.summary.withheld_sequences == len(tenth)
    assert again.verdict is Verdict.CONSISTENT
    one = run_audit(unedited, tmp_path / "one", baseline, unread={7})
    assert (one.decision.summary.withheld_sequences, one.verdict) == (1, Verdict.CONSISTENT)
    honest = run_audit(unedited, tmp_path / "honest", baseline, unread=tenth)
    assert honest.verdict is Verdict.INCONCLUSIVE
    assert "could not read" in honest.decision.reason
    alone = run_audit(ninth_of_ten, tmp_path / "alone", baseline, unread=tenth)
    assert alone.verdict is not Verdict.CONSISTENT
