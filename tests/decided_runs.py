"""Small runs that were judged, made without a provider and a reference."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from token_difr.records import Asked, Audit, Response, Rule, SamplingParams, TokenSequence, TopKBatch
from token_difr.run import RunDirectory
from token_difr.run.baseline import baseline_of
from token_difr.run.deciding import decide_run
from token_difr.run.stages import score_run

__all__ = ["ANSWERS", "decided"]

ANSWERS = 30


def decided(
    path: Path, wrong: int, baseline: Path | None = None, *, stated: Rule | None = None, judged: Rule | None = None
) -> Path:
    """A run of some answers of eight tokens, of each of which so many are not the reference's.

    ``stated`` stood before the first answer; the run is judged by ``judged``.
    """
    prompts = [[{"role": "user", "content": str(number)}] for number in range(ANSWERS)]
    asked = Asked(provider="http://p/v1", model="m", params=SamplingParams(), max_tokens=8)
    ids = list(range(8))
    with RunDirectory.create(path, prompts, Audit(asked=asked), rule=stated) as run:
        for index in range(ANSWERS):
            run.keep_response(Response(index=index, content="an answer", finish_reason="stop", body={}))
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
        decide_run(run, score_run(run), against, rule=judged)
    return path
