"""Tables for a terminal: what applies to a run is shown, what says nothing of it is not."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
from rich.console import Console

from token_difr.records import SamplingParams, Scores, TopKBatch
from token_difr.report import decision_tables
from token_difr.sampler import Sampler
from token_difr.scores import score
from token_difr.verdict import decide


def scores_of(params: SamplingParams, sampler: Sampler | None = None) -> Scores:
    """Forty sequences of five tokens, the claimed one the likeliest of two but for one of each sequence."""
    rows = [[(1, -0.25), (2, -1.5)]] * 200
    return score(
        TopKBatch.from_rows(
            rows,
            claimed=[1, 1, 2, 1, 1] * 40,
            sequence_indptr=np.arange(41) * 5,
            prompt_lengths=np.full(40, 3),
        ),
        params,
        sampler=sampler,
    )


def printed(scores: Scores) -> str:
    console = Console(file=io.StringIO(), width=80)
    for part in decision_tables(decide(scores, scores)):
        console.print(part)
    file = console.file
    assert isinstance(file, io.StringIO)
    return file.getvalue()


@pytest.mark.parametrize("sampler", [None, Sampler.for_engine("vllm", "0.33")])
def test_replayed_and_not(sampler: Sampler | None) -> None:
    """A run whose noise was not replayed has no match rate and no margins; one that was has no surprise."""
    text = printed(scores_of(SamplingParams(temperature=1.0, seed=1), sampler))
    for words in ("match rate", "mean finite margin", "decided", "clipped_margin_1"):
        assert (words in text) == (sampler is not None)
    for words in ("surprise above expectation", "surprise_below", "status unreplayed"):
        assert (words in text) == (sampler is None)
    assert "mean probability" in text
    assert "nan" not in text
    assert all(len(line.rstrip()) <= 80 for line in text.splitlines())


def test_greedy() -> None:
    """At temperature 0 the table is as it always was."""
    text = printed(scores_of(SamplingParams()))
    assert re.search(r"match rate +80.00 % +80.00 %", text)
    assert "surprise" not in text
