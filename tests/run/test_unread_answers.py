"""Answers that the reference cannot read: left out, counted and named; a run goes on without a few, and not without many."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from token_difr.errors import EndpointError, RowsError
from token_difr.records import (
    Asked,
    Audit,
    Fidelity,
    Judged,
    Rendered,
    Response,
    SamplingParams,
    TokenSequence,
    TopKBatch,
)
from token_difr.run import RunDirectory
from token_difr.run.audit import AuditRun, audit
from token_difr.run.resegmenting import resegment_run
from token_difr.run.stages import reference_run, score_run
from toy_cuts import PIECES, PROMPT, KnowingReference, Pieces

PROMPTS = [[{"role": "user", "content": f"question {n}"}] for n in range(20)]


def run_audit(endpoint: Any, characters: Any, out: Path, **changes: Any) -> AuditRun:
    asked: dict[str, Any] = {"provider": endpoint.url, "reference": endpoint.url, "model": "m", "max_tokens": 30}
    return audit(
        changes.pop("prompts", PROMPTS),
        **asked,
        tokenizer=characters,
        out=out,
        preflight=False,
        progress=False,
        **changes,
    )


def unreadable(endpoint: Any, numbers: set[int], how: str = "other tokens") -> None:
    """Let the reference read the answers to some questions otherwise, or refuse them."""
    endings = {tuple(map(ord, f"QUESTION {n}")) for n in numbers}

    def answer(path: str, body: dict[str, Any]) -> tuple[int, Any]:
        status, completion = endpoint.honest(path, body)
        if path != "/v1/completions" or not any(tuple(body["prompt"][-len(e) - 1 : -1]) == e for e in endings):
            return status, completion
        if how == "refused":
            return 400, {"error": {"message": "maximum context length is 9 tokens\x1b[2J"}}
        rows = completion["choices"][0]["prompt_logprobs"]
        rows[-1] = None if how == "a row is missing" else {"7": {"logprob": -1.0, "rank": 1}}
        return status, completion

    endpoint.answer = answer


UNREAD = [PIECES.index("cc"), PIECES.index(" a")]
HOW = {"other tokens": "lacks the id", "a row is missing": "no logprobs", "refused": "maximum context length"}


@pytest.mark.parametrize(("how", "words"), HOW.items())
@pytest.mark.parametrize("token_ids", [True, False])
def test_a_tenth_is_left_out(  # noqa: PLR0917  # fixtures
    endpoint: Any, characters: Any, tmp_path: Path, how: str, words: str, token_ids: bool
) -> None:
    """Their sequences say why, the report counts and names them; the same command again asks for nothing."""
    unreadable(endpoint, {4, 17}, how)
    run = run_audit(endpoint, characters, tmp_path / "run", token_ids=token_ids)

    assert run.decision.summary.withheld_sequences == 2
    assert [len(run.scores[index]) > 0 for index in range(20)] == [index not in {4, 17} for index in range(20)]
    (finding,) = [finding for finding in run.findings if finding.name == "unread_answers"]
    assert finding.level == "warning"
    assert words in finding.text
    assert finding.text.isprintable()
    assert finding.evidence["first"] == [4, 17]
    with RunDirectory.read(run.path) as stored:
        unread = {index: each.unread for index, each in stored.sequences().items() if each.unread is not None}
    assert sorted(unread) == [4, 17]
    assert all(words in reason for reason in unread.values())

    endpoint.requests.clear()
    again = run_audit(endpoint, characters, tmp_path / "run", token_ids=token_ids)
    assert endpoint.requests == []
    assert again.decision == run.decision


def test_more_than_a_tenth_end_the_audit(endpoint: Any, characters: Any, tmp_path: Path) -> None:
    """Nothing that was paid for is lost: once the cause is gone the same command asks for the missing rows alone."""
    unreadable(endpoint, {2, 4, 17})
    with pytest.raises(RowsError, match=r"could not read 3 of 20 .*at most 10% .*that of prompt 2: .*lacks the id 2"):
        run_audit(endpoint, characters, tmp_path / "run", concurrency=1)
    with RunDirectory.read(tmp_path / "run") as stored:
        assert sorted(stored.rows()) == [index for index in range(17) if index not in {2, 4}]
        assert not any(each.unread for each in stored.sequences().values())
    endpoint.answer = endpoint.honest
    endpoint.requests.clear()
    run = run_audit(endpoint, characters, tmp_path / "run", concurrency=1)
    assert endpoint.tags() == [f"reference-{index}" for index in (2, 4, 17, 18, 19)]
    assert run.decision.summary.withheld_sequences == 0


def test_a_kill_between_two_files(endpoint: Any, characters: Any, tmp_path: Path) -> None:
    """The sequences say that they are unread, their empty rows are not on the disk yet: nothing is asked for again."""
    unreadable(endpoint, {4, 17})
    whole = run_audit(endpoint, characters, tmp_path / "run")
    rows = tmp_path / "run" / "rows.jsonl"
    rows.write_bytes(b"".join(rows.read_bytes().splitlines(keepends=True)[:-2]))
    endpoint.requests.clear()
    assert run_audit(endpoint, characters, tmp_path / "run").decision.summary == whole.decision.summary
    assert endpoint.requests == []


def test_a_fault_of_the_whole(endpoint: Any, characters: Any, tmp_path: Path) -> None:
    """A reference that refuses as many logprobs as are asked for ends the audit with its own words."""
    endpoint.answer = lambda path, body: (
        (400, {"error": {"message": "prompt_logprobs: at most 5"}})
        if path == "/v1/completions"
        else endpoint.honest(path, body)
    )
    with pytest.raises(EndpointError, match="at most 5"):
        run_audit(endpoint, characters, tmp_path / "run", concurrency=4)
    assert sum(path == "/v1/completions" for path, _, _ in endpoint.requests) <= 8


class LosesItsTokenizer(KnowingReference):
    """From some time on it can read nothing."""

    is_lost = False

    async def rows(self, sequence: TokenSequence, *, tag: str) -> TopKBatch:
        """The rows, or the error."""
        rows = await super().rows(sequence, tag=tag)
        if self.is_lost:
            raise RowsError("the reference read other tokens than those sent")
        return rows


@pytest.mark.parametrize("temperature", [0.0, 1.0])
async def test_cuts_that_cannot_be_read(tmp_path: Path, temperature: float) -> None:
    """A repair goes on without them, never takes them, and does not ask for them again."""
    pieces = Pieces()
    own = [PIECES.index(piece) for piece in ("c", "a", "b", "c")]
    text = pieces.decode(own)
    asked = Asked(provider="http://p/v1", model="m", params=SamplingParams(temperature=temperature), max_tokens=8)
    judged = Judged(reference="http://reference/v1", model="m", dialect="vllm", topk_logprobs=1)
    record = Audit(asked=asked, rendered=Rendered(tokenizer="pieces", digest="d"), judged=judged)
    with RunDirectory.create(tmp_path / "run", PROMPTS[:3], record) as run:
        tokens = pieces.encode(text, add_special_tokens=False, split_special_tokens=True)
        for index in range(3):
            run.keep_response(Response(index=index, content=text, finish_reason="length", completion_tokens=len(own)))
        for index, fidelity in enumerate((Fidelity.CONTRADICTED, Fidelity.UNCOUNTED)):
            run.keep_sequences({index: TokenSequence(PROMPT, tokens, fidelity=fidelity)})
        judge = LosesItsTokenizer({text: own})
        run.keep_sequences({2: TokenSequence(PROMPT, UNREAD, fidelity=Fidelity.COUNTED, unread="from the beginning")})
        await reference_run(run, judge, concurrency=1, progress=False)
        judge.is_lost = True
        judge.asked.clear()
        await resegment_run(run, judge, pieces, requests=20, concurrency=1, progress=False)
        assert judge.asked
        assert tuple(UNREAD) not in judge.asked
        assert [list(run.sequences()[index].output_token_ids) for index in range(3)] == [tokens, tokens, UNREAD]
        judge.asked.clear()
        await resegment_run(run, judge, pieces, requests=20, concurrency=1, progress=False)
        assert judge.asked == []
        assert score_run(run).scores.withheld is not None
