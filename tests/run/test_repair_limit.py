"""The limit of a repair in an audit's record: what it binds, what it allows by default, and what may be compared."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from token_difr.errors import InputError, RunDirectoryError
from token_difr.records import (
    Asked,
    Audit,
    Fidelity,
    Judged,
    Rendered,
    Resegmented,
    Response,
    SamplingParams,
    TokenSequence,
)
from token_difr.run import RunDirectory
from token_difr.run.baseline import baseline_of
from token_difr.run.repair_limit import most_repair_requests
from token_difr.run.repairing import repair
from token_difr.run.resegmenting import resegment_run
from token_difr.run.stages import reference_run
from toy_cuts import PIECES, PROMPT, KnowingReference, Pieces

OWN = [[PIECES.index(piece) for piece in pieces] for pieces in (("c", "a", "b", "c"), ("a", "bc", "ab"), ("abc", "a"))]
TEXTS = [Pieces().decode(own) for own in OWN]
PROMPTS: list[list[dict[str, Any]]] = [[{"role": "user", "content": f"question {n}"}] for n in range(len(OWN))]
AUDIT = Audit(
    asked=Asked(provider="http://p/v1", model="m", params=SamplingParams(), max_tokens=8),
    rendered=Rendered(tokenizer="pieces", digest="d"),
    judged=Judged(reference="http://reference/v1", model="m", dialect="vllm", topk_logprobs=1),
)


def limited(requests: int | None) -> Audit:
    return replace(AUDIT, resegmented=Resegmented(requests=requests))


async def finished(path: Path, audit: Audit, fidelity: Fidelity = Fidelity.UNCOUNTED) -> Path:
    """A run whose answers came as text, if they are not of another fidelity, with all its rows."""
    judge = KnowingReference(dict(zip(TEXTS, OWN, strict=True)))
    with RunDirectory.create(path, PROMPTS, audit) as run:
        for index, text in enumerate(TEXTS):
            run.keep_response(Response(index=index, content=text, finish_reason="length"))
        cut = [Pieces().encode(text, add_special_tokens=False, split_special_tokens=True) for text in TEXTS]
        run.keep_sequences({i: TokenSequence(PROMPT, tokens, fidelity=fidelity) for i, tokens in enumerate(cut)})
        await reference_run(run, judge, concurrency=1, progress=False)
        if audit.resegmented is not None:
            await resegment_run(run, judge, Pieces(), concurrency=1, progress=False)
    return path


@pytest.mark.parametrize(
    ("theirs", "ours", "shown"),
    [
        (None, None, None),
        (0, 0, None),
        (7, 7, None),
        (0, None, "0 there, the default here"),
        (None, 0, "the default there, 0 here"),
        (7, 8, "7 there, 8 here"),
        (7, None, "7 there, the default here"),
    ],
)
async def test_a_baseline_of_text(tmp_path: Path, theirs: int | None, ours: int | None, shown: str | None) -> None:
    """It is compared where it was repaired within the same limit; else the error says what to do."""
    path = await finished(tmp_path / "baseline", limited(theirs))
    wrong = pytest.raises(InputError, match=rf"\({shown}\)\. Give --repair-requests or --no-repair .* further")
    with wrong if shown else nullcontext():
        assert baseline_of(path, limited(ours), out=tmp_path / "run") is not None


@pytest.mark.parametrize("fidelity", [Fidelity.IDS, Fidelity.INCOMPLETE])
async def test_a_baseline_that_no_repair_touches(tmp_path: Path, fidelity: Fidelity) -> None:
    """Its limit says nothing."""
    path = await finished(tmp_path / "baseline", limited(0), fidelity)
    assert baseline_of(path, limited(None), out=tmp_path / "run") is not None


async def test_a_baseline_that_states_no_limit(tmp_path: Path) -> None:
    """It was not repaired, if no cut was asked for; whoever states none here is not held to it."""
    path = await finished(tmp_path / "baseline", AUDIT)
    for limit in (limited(0), AUDIT):
        assert baseline_of(path, limit, out=tmp_path / "run") is not None
    with pytest.raises(InputError, match="0 there, the default here"):
        baseline_of(path, limited(None), out=tmp_path / "run")


async def test_a_repair_may_be_stated_to_go_further(tmp_path: Path) -> None:
    """The default stands for the number that it comes to; what was asked for cannot be undone."""
    path = await finished(tmp_path / "run", limited(5))
    for less in (0, 4):
        with pytest.raises(RunDirectoryError, match=rf"resegmented\.requests \(5 there, {less} here\)"):
            RunDirectory.resume(path, limited(less))
    for more in (5, 6, None, 20, 500):
        with RunDirectory.resume(path, limited(more)) as run:
            assert run.audit.resegmented == Resegmented(requests=more)


async def test_a_limit_is_free_until_something_was_asked(tmp_path: Path) -> None:
    """As every part of the record."""
    path = await finished(tmp_path / "run", limited(None), Fidelity.IDS)
    with RunDirectory.resume(path, limited(0)) as run:
        assert run.audit.resegmented == Resegmented(requests=0)
    await finished(tmp_path / "text", limited(0))
    with RunDirectory.resume(tmp_path / "text", limited(3)) as run:
        await resegment_run(run, KnowingReference(dict(zip(TEXTS, OWN, strict=True))), Pieces(), progress=False)
        assert len(run.asked_cuts()) == 3


@pytest.mark.parametrize(
    ("temperature", "prompts", "stated", "most"),
    [
        (0.0, 40, None, 20),
        (0.0, 600, None, 60),
        (1.0, 40, None, 20),
        (1.0, 600, None, 300),
        (1.0, 600, 7, 7),
        (0, 9, 0, 0),
    ],
)
def test_what_a_limit_comes_to(temperature: float, prompts: int, stated: int | None, most: int) -> None:
    """More above temperature 0, where more answers are cut otherwise."""
    assert AUDIT.asked is not None
    asked = replace(AUDIT.asked, params=SamplingParams(temperature=temperature))
    audit = replace(limited(stated), asked=asked).about([[{"role": "user", "content": str(n)}] for n in range(prompts)])
    assert most_repair_requests(audit) == most


def test_a_limit_below_nothing() -> None:
    """Is refused before anything is sent."""
    with pytest.raises(InputError, match="repair_requests must be at least 0, not -1"):
        Resegmented(requests=-1)


async def test_a_lost_manifest_tells_the_limit(tmp_path: Path) -> None:
    """The rows say for which they were made."""
    path = await finished(tmp_path / "run", limited(5))
    (path / "run.json").unlink()
    assert repair(path).audit.resegmented == Resegmented(requests=5)
