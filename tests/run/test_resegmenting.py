"""Repair over a run directory: what was paid for is kept, a stopped repair goes on, what is not certain is withheld."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from token_difr.errors import InputError
from token_difr.records import Asked, Audit, Fidelity, Judged, Rendered, Response, SamplingParams, TokenSequence
from token_difr.run import RunDirectory
from token_difr.run.audit import aaudit
from token_difr.run.resegmenting import resegment_run
from token_difr.run.stages import reference_run, score_run
from toy_cuts import PIECES, PROMPT, KnowingReference, Pieces

OWN = [
    [PIECES.index(piece) for piece in pieces]
    for pieces in (("abc", "abc"), ("c", "a", "b", "c"), ("a", "bc", "ab"), ("abc", "a"))
]
TEXTS = [Pieces().decode(own) for own in OWN]
AUDIT = Audit(
    asked=Asked(provider="http://p/v1", model="m", params=SamplingParams(), max_tokens=8),
    rendered=Rendered(tokenizer="pieces", digest="d"),
    judged=Judged(reference="http://reference/v1", model="m", dialect="vllm", topk_logprobs=1),
)
PROMPTS: list[list[dict[str, Any]]] = [[{"role": "user", "content": f"question {n}"}] for n in range(4)]
FIDELITY = {0: Fidelity.COUNTED, 1: Fidelity.CONTRADICTED, 2: Fidelity.CONTRADICTED, 3: Fidelity.COUNTED}


def started(path: Path, temperature: float = 0.0) -> RunDirectory:
    """Answers of a provider that counts its tokens, of which the tokenizer cuts two otherwise."""
    asked = Asked(provider="http://p/v1", model="m", params=SamplingParams(temperature=temperature), max_tokens=8)
    run = RunDirectory.create(path, PROMPTS, replace(AUDIT, asked=asked))
    sequences = {}
    for index, text in enumerate(TEXTS):
        run.keep_response(
            Response(index=index, content=text, finish_reason="length", completion_tokens=len(OWN[index]))
        )
        tokens = Pieces().encode(text, add_special_tokens=False, split_special_tokens=True)
        sequences[index] = TokenSequence(PROMPT, tokens, fidelity=FIDELITY[index])
    run.keep_sequences(sequences)
    return run


def reference(fails_after: int | None = None) -> KnowingReference:
    return KnowingReference(dict(zip(TEXTS, OWN, strict=True)), fails_after=fails_after)


async def work(run: RunDirectory, judge: KnowingReference, requests: int | None = None) -> None:
    await reference_run(run, judge, concurrency=1, progress=False)
    await resegment_run(run, judge, Pieces(), requests=requests, concurrency=1, progress=False)


async def test_uncertain_tokens_are_withheld(tmp_path: Path) -> None:
    """Nobody pays for rows of a sequence that is contradicted, and it counts neither as scored nor as empty."""
    with started(tmp_path / "run") as run:
        judge = reference()
        await work(run, judge, requests=0)
        assert judge.asked == [tuple(OWN[0]), tuple(OWN[3])]
        scores = score_run(run).scores
        assert scores.withheld is not None
        assert scores.withheld.tolist() == [False, True, True, False]
        assert np.diff(scores.sequence_indptr).tolist() == [2, 0, 0, 2]


async def test_repaired_sequences_are_scored(tmp_path: Path) -> None:
    """They come back from the disk as the model wrote them, with their rows, and the same call asks nothing more."""
    with started(tmp_path / "run") as run:
        judge = reference()
        await work(run, judge)
        spent = len(judge.asked)
        await work(run, judge)
        assert len(judge.asked) == spent
        assert len(set(judge.asked)) == spent
    with RunDirectory.read(tmp_path / "run") as stored:
        sequences = stored.sequences()
        assert [list(sequences[index].output_token_ids) for index in range(4)] == OWN
        assert [sequences[index].repaired for index in range(4)] == [False, True, True, False]
        assert {each.fidelity for each in sequences.values()} == {Fidelity.COUNTED}
        scores = score_run(stored).scores
        assert scores.withheld is None
        assert scores.exact_match.all()


@pytest.mark.parametrize("temperature", [0.0, 1.0])
async def test_a_stopped_repair_goes_on(tmp_path: Path, temperature: float) -> None:
    """Wherever it is stopped, it comes to the same end, and no answer of the reference is paid for twice."""
    whole = reference()
    with started(tmp_path / "whole", temperature) as run:
        await work(run, whole)
        expected = run.sequences()
    for stop in range(len(whole.asked)):
        path = tmp_path / f"stopped-{stop}"
        first, second = reference(fails_after=stop), reference()
        with started(path, temperature) as run, pytest.raises(RuntimeError, match="stopped"):
            await work(run, first)
        with RunDirectory.resume(path) as run:
            await work(run, second)
            assert run.sequences() == expected
        assert len(first.asked) + len(second.asked) == len(whole.asked)


async def test_a_killed_audit_goes_on(tmp_path: Path) -> None:
    """The same call again, wherever in the repair it was killed: neither side is asked for anything twice."""

    class Plain(Pieces):
        def apply_chat_template(self, conversation: Any, **_: Any) -> str:
            return "".join("abc" if each["role"] == "user" else f"{each['content']}<end>" for each in conversation)

    class Sends:
        url = "sends text"

        def __init__(self) -> None:
            self.asked: list[int] = []

        async def answer(self, index: int, messages: Any, **options: Any) -> Response:
            del messages, options
            self.asked.append(index)
            text = TEXTS[index]
            return Response(index=index, content=text, finish_reason="length", completion_tokens=len(OWN[index]))

    async def run(path: Path, provider: Sends, judge: KnowingReference) -> list[list[int]]:
        how: dict[str, Any] = {
            "model": "m",
            "tokenizer": Plain(),
            "max_tokens": 8,
            "concurrency": 1,
            "preflight": False,
            "progress": False,
        }
        done = await aaudit(PROMPTS, provider=provider, reference=judge, out=path, **how)
        with RunDirectory.read(done.path) as stored:
            return [list(stored.sequences()[index].output_token_ids) for index in range(len(PROMPTS))]

    whole = reference()
    assert await run(tmp_path / "whole", Sends(), whole) == OWN
    first_repair = 2  # two of four answers are counted, and read as they are
    for stop in range(first_repair, len(whole.asked)):
        provider, first, second = Sends(), reference(fails_after=stop), reference()
        with pytest.raises(RuntimeError, match="stopped"):
            await run(tmp_path / f"stopped-{stop}", provider, first)
        assert await run(tmp_path / f"stopped-{stop}", provider, second) == OWN
        assert len(first.asked) + len(second.asked) == len(whole.asked)
        assert sorted(provider.asked) == [0, 1, 2, 3]


async def test_kept_rows_survive_a_kill_between_two_files(tmp_path: Path) -> None:
    """The repaired sequences are on the disk, their rows not yet: these come from the cuts that were asked for."""
    with started(tmp_path / "run") as run:
        await work(run, reference())
    rows = tmp_path / "run" / "rows.jsonl"
    rows.write_bytes(b"".join(rows.read_bytes().splitlines(keepends=True)[:-2]))
    with RunDirectory.resume(tmp_path / "run") as run:
        again = reference()
        await work(run, again)
        assert not again.asked
        assert score_run(run).scores.exact_match.all()


@pytest.mark.parametrize("requests", [1, 2, 3])
async def test_budget(tmp_path: Path, requests: int) -> None:
    """So many requests a run, however often it is gone on with."""
    with started(tmp_path / "run") as run:
        judge = reference()
        for _ in range(3):
            await work(run, judge, requests)
        assert len(judge.asked) <= 2 + requests
        assert len(run.asked_cuts()) == requests


async def test_a_reference_that_reads_text(tmp_path: Path) -> None:
    """It cuts what it is sent in its own way, so that it is asked for no other; a budget below 0 is refused."""

    class ReadsText(KnowingReference):
        reads_ids = False

    with started(tmp_path / "run") as run:
        judge = ReadsText(dict(zip(TEXTS, OWN, strict=True)))
        await work(run, judge)
        assert judge.asked == [tuple(OWN[0]), tuple(OWN[3])]
        with pytest.raises(InputError, match="repair_requests must be at least 0, not -1"):
            await resegment_run(run, judge, Pieces(), requests=-1)
