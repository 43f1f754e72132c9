"""llama.cpp's server: it scores no prompts, so every output token is asked for by a request of its own.

``POST /completion`` beside ``/v1``, with the tokens before the position as the prompt, ``n_predict: 1`` and
``n_probs: k``: the top k of the model's own softmax, with ids. The server keeps the prompt in its cache, so that a request
costs one new token. What the claimed token's logprob is outside of the top k it does not say.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from token_difr.records import TokenSequence, TopKBatch
from token_difr.reference.rows import Rows, batch_of, sent_tokens
from token_difr.reference.served import ServedReference

__all__ = ["LlamaCppReference"]


class LlamaCppReference(ServedReference):
    """A llama.cpp server; it serves one model, and ``model`` is only a name.

    Arguments: :class:`~token_difr.reference.served.ServedReference`.
    """

    dialect = "llama.cpp"
    form = "next-token"
    path = "/completion"
    at_root = True

    async def rows(self, sequence: TokenSequence, *, tag: str) -> TopKBatch:
        """See :meth:`Reference.rows`."""
        sent, prompt_length = sent_tokens(sequence)
        batches = []
        for position in range(prompt_length, len(sent)):
            if position == 0:  # the server needs a token to go on from
                batches.append(batch_of(_NO_ROW, sent[:1], 0))
                continue
            content = await self._post(self._body(sent[:position].tolist(), prompt_length), tag=tag)
            batches.append(self._to_batch(content, sent[: position + 1], position, tag=tag))
        parts = TopKBatch.concatenate(batches)
        rows = Rows(
            indptr=parts.indptr,
            token_ids=parts.token_ids,
            logprobs=parts.logprobs,
            claimed_logprob=parts.claimed_logprob,
            claimed_rank=parts.claimed_rank,
            contiguous=parts.contiguous,
        )
        return batch_of(rows, sent, prompt_length)

    def _body(self, sent: list[int], prompt_length: int) -> dict[str, Any]:
        del prompt_length
        return {
            "prompt": sent,
            "n_predict": 1,
            "n_probs": self.topk_logprobs,
            "temperature": 0,
            "cache_prompt": True,
            "post_sampling_probs": False,
        }


_NO_ROW = Rows(
    indptr=np.zeros(2, np.int64),
    token_ids=np.zeros(0, np.uint32),
    logprobs=np.zeros(0, np.float32),
    claimed_logprob=np.full(1, np.nan, np.float32),
    claimed_rank=np.full(1, -1, np.int32),
)
