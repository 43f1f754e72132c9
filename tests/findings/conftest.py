"""A run's records that tests change one thing of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from token_difr.findings import Evidence
from token_difr.records import Asked, Asking, Audit, Judged, Response, SamplingParams, TokenSequence, TopKBatch
from token_difr.sequences import tokenize

MakeEvidence = Callable[..., Evidence]


def rows_of(sequences: Sequence[TokenSequence], *, knows: bool = True, logprob: float = -0.25) -> TopKBatch:
    """Rows of two entries: the claimed token on top, or two others."""
    claimed = np.array([token for sequence in sequences for token in sequence.output_token_ids], dtype=np.uint32)
    first = claimed if knows else claimed + 1
    return TopKBatch(
        indptr=np.arange(len(claimed) + 1) * 2,
        token_ids=np.stack([first, claimed + 2], axis=1).ravel(),
        logprobs=np.tile(np.array([logprob, -3.0], dtype=np.float32), len(claimed)),
        claimed=claimed,
        sequence_indptr=np.cumsum([0, *(len(sequence.output_token_ids) for sequence in sequences)]),
        prompt_lengths=[len(sequence.prompt_token_ids) for sequence in sequences],
    )


@pytest.fixture
def evidence(characters: Any) -> MakeEvidence:
    """Builds evidence: answers "answer n" to "question n", with ``change(index)`` replacing fields of a response."""

    def make(
        count: int = 12,
        *,
        change: Callable[[int], dict[str, Any]] = lambda _: {},
        knows: bool = True,
        logprob: float = -0.25,
        tokenizer: Any = characters,
        params: SamplingParams | None = None,
        **asking: Any,
    ) -> Evidence:
        prompts = [[{"role": "user", "content": f"question {n}"}] for n in range(count)]
        honest = [
            {
                "index": n,
                "content": f"answer {n}",
                "finish_reason": "stop",
                "prompt_tokens": len(f"user:question {n}") + 1 + len("assistant:"),
                "completion_tokens": len(f"answer {n}") + 1,
            }
            for n in range(count)
        ]
        responses = [Response(**{**fields, **change(n)}) for n, fields in enumerate(honest)]
        sequences = tokenize(prompts, responses, characters)
        return Evidence(
            audit=Audit(
                asked=Asked(
                    provider="http://127.0.0.1:1/v1",
                    model="m",
                    params=params or SamplingParams(),
                    max_tokens=30,
                    asking=Asking(**asking),
                ),
                judged=Judged(reference="http://127.0.0.1:1/v1", model="m", dialect="vllm", topk_logprobs=2),
            ),
            prompts=prompts,
            responses=responses,
            sequences=sequences,
            batch=rows_of(sequences, knows=knows, logprob=logprob),
            tokenizer=tokenizer,
        )

    return make
