"""Small runs that were judged, made without a provider and a reference."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from token_difr.records import (
    Asked,
    Asking,
    Audit,
    Finding,
    Parting,
    Rendered,
    Report,
    Response,
    Rule,
    SamplingParams,
    TokenSequence,
    TopKBatch,
)
from token_difr.reference import no_rows
from token_difr.run import RunDirectory
from token_difr.run.baseline import baseline_of
from token_difr.run.deciding import decide_run
from token_difr.run.stages import score_run

__all__ = ["ANSWERS", "decided"]

ANSWERS = 30


def decided(
    path: Path,
    wrong: int,
    baseline: Path | None = None,
    *,
    stated: Rule | None = None,
    judged: Rule | None = None,
    word: str = "",
    tokenizer: str | None = None,
) -> Path:
    """A run of some answers of eight tokens, of each of which so many are not the reference's.

    ``stated`` stood before the first answer; the run is judged by ``judged``. ``word`` stands wherever text can.
    """
    prompts = [[{"role": "user", "content": f"{number}{word}"}] for number in range(ANSWERS)]
    asked = Asked(provider="http://p/v1", model="m", params=SamplingParams(), max_tokens=8)
    if word:
        asked = replace(asked, asking=Asking(chat_template_kwargs={"system": word, "tools": [{"a": word}], "depth": 2}))
    record = Audit(asked=asked, rendered=None if tokenizer is None else Rendered(tokenizer=tokenizer, digest=None))
    ids = list(range(8))
    with RunDirectory.create(path, prompts, record, rule=stated) as run:
        for index in range(ANSWERS):
            run.keep_response(_answer(index, word))
        run.keep_sequences({index: TokenSequence([9], ids) for index in range(ANSWERS)})
        for index in range(ANSWERS):
            first = [token + 10 if place < wrong else token for place, token in enumerate(ids)]
            second = [token if place < wrong else token + 10 for place, token in enumerate(ids)]
            rows = np.stack([first, second], axis=1).ravel()
            run.keep_rows(
                index,
                TopKBatch(
                    indptr=range(0, 17, 2),
                    token_ids=rows,
                    logprobs=[-0.1, -3.0] * 8,
                    claimed=ids,
                    sequence_indptr=[0, 8],
                    prompt_lengths=[1],
                ),
            )
        against = None if baseline is None else baseline_of(baseline, run.audit, out=path)
        if word:
            unread = replace(run.sequences()[0], unread=word)
            run.keep_sequences({0: unread})
            run.keep_rows(0, no_rows(unread))
        report = decide_run(run, score_run(run), against, rule=judged)
        if word:
            run.keep_report(_told(report, word))
    return path


def _answer(index: int, word: str) -> Response:
    if not word:
        return Response(index=index, content="an answer", finish_reason="stop", body={})
    told = {"reasoning": word, "finish_reason": word, "sent": {"stop": [word]}}
    return Response(index=index, content=word, prompt_tokens=9, **told, body={"model": word, "headers": {word: word}})  # type: ignore[arg-type]


def _told(report: Report, word: str) -> Report:
    """The report with places where the outputs part, and with a finding whose names and words are somebody else's."""
    parting = Parting(
        sequence=0, position=1, context=word, claimed=word, expected=word, margin_bound=1.0, status="scored"
    )
    found = Finding.of(
        "of_others", word, {"by_name": {word: 1}, "first": [word], "said": word, "count": 2}, warning=True
    )
    return replace(report, partings=(parting,), findings=(*report.findings, found))
