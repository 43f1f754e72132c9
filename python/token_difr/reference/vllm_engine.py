"""vLLM in this process as the reference (extra ``vllm``), without a server.

``prompt_logprobs`` of the engine's own Python interface: null first, then a dictionary a token from id to an object with
``logprob`` and ``rank``; the token itself is always among them, so k or k + 1 entries.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from token_difr.errors import RowsError, unimportable
from token_difr.records import TokenSequence, TopKBatch
from token_difr.reference.batched import BatchedReference
from token_difr.reference.rows import Rows, allowed_topk, batch_of, sent_tokens

__all__ = ["VllmEngineReference"]


class VllmEngineReference(BatchedReference):
    """A model in vLLM's engine.

    Args:
        model: What vLLM loads, or a ``vllm.LLM`` that is loaded.
        topk_logprobs: Entries a row, at least 1; an engine that is loaded here allows as many.
        options: Passed on to ``vllm.LLM``.

    Raises:
        InputError: ``topk_logprobs`` below 1, or vllm is not installed.
    """

    dialect = "vllm-engine"

    def __init__(self, model: Any, *, topk_logprobs: int = 20, **options: Any) -> None:
        try:
            import vllm
        except ImportError as error:
            raise unimportable(error, "vllm", "vLLM in process", "token-difr[vllm]") from error
        self.topk_logprobs = allowed_topk(topk_logprobs, math.inf, self.dialect)
        self.model = model if isinstance(model, str) else str(model.llm_engine.model_config.model)
        self._engine = vllm.LLM(model, max_logprobs=topk_logprobs, **options) if isinstance(model, str) else model
        self._parameters = vllm.SamplingParams(max_tokens=1, temperature=0.0, prompt_logprobs=topk_logprobs)

    def _score(self, sequences: Sequence[TokenSequence]) -> list[TopKBatch]:
        sent = [sent_tokens(sequence) for sequence in sequences]
        prompts = [{"prompt_token_ids": tokens.tolist()} for tokens, _ in sent]
        answers = self._engine.generate(prompts, self._parameters, use_tqdm=False)
        return [
            self._batch(answer.prompt_logprobs, tokens, length)
            for answer, (tokens, length) in zip(answers, sent, strict=True)
        ]

    def _batch(self, rows: Any, sent: NDArray[np.uint32], prompt_length: int) -> TopKBatch:
        if rows is None or len(rows) != len(sent):
            raise RowsError(f"vLLM returned {0 if rows is None else len(rows)} rows for {len(sent)} tokens")
        indptr, token_ids, logprobs = [0], [], []
        claimed_logprob, claimed_rank = [], []
        for position in range(prompt_length, len(sent)):
            entries, outside = self._row(rows[position], int(sent[position]))
            token_ids += list(entries)
            logprobs += list(entries.values())
            indptr.append(len(token_ids))
            claimed_logprob.append(outside[0])
            claimed_rank.append(outside[1])
        found = Rows(
            indptr=np.array(indptr, np.int64),
            token_ids=np.array(token_ids, np.uint32),
            logprobs=np.array(logprobs, np.float32),
            claimed_logprob=np.array(claimed_logprob, np.float32),
            claimed_rank=np.array(claimed_rank, np.int32),
        )
        return batch_of(found, sent, prompt_length)

    def _row(self, row: Mapping[int, Any] | None, claimed: int) -> tuple[dict[int, float], tuple[float, int]]:
        """The entries by id, and logprob and rank of a claimed token that lies outside the top k."""
        entries = {int(token): float(entry.logprob) for token, entry in (row or {}).items()}
        if len(entries) <= self.topk_logprobs or claimed not in entries:
            return entries, (math.nan, -1)
        rank = (row or {})[claimed].rank
        return entries, (entries.pop(claimed), -1 if rank is None else rank - 1)
