"""The dialect of vLLM's server: ``prompt_logprobs`` of ``POST /v1/completions``.

The sequence goes out as token ids, one token is generated and ignored, and ``choices[0].prompt_logprobs`` holds one
object a token sent: ``{"<id>": {"logprob": ..., "rank": ..., "decoded_token": ...}, ...}``, null for the first.

* Row j scores token j given the tokens before it; the output's rows are the last ones.
* Every row holds the top k and the token that was sent, so k or k + 1 entries. One that lies outside the top k belongs
  to ``claimed_logprob`` and ``claimed_rank`` (vLLM's rank - 1), not to the row, which is a contiguous top.
* -9999.0 is how JSON answers write -inf.
"""

from __future__ import annotations

from typing import Any

from token_difr.reference.served import ServedReference

__all__ = ["VllmReference"]


class VllmReference(ServedReference):
    """A vLLM server, or one that speaks like it (``token-difr serve`` does).

    The limit of ``topk_logprobs`` is the server's own ``--max-logprobs``, 20 by default. Arguments:
    :class:`~token_difr.reference.served.ServedReference`.
    """

    dialect = "vllm"
    form = "vllm"
    echo_check = "by their ids"
    path = "/completions"

    def _body(self, sent: list[int], prompt_length: int) -> dict[str, Any]:
        del prompt_length
        return {
            "model": self.model,
            "prompt": sent,
            "max_tokens": 1,
            "temperature": 0,
            "prompt_logprobs": self.topk_logprobs,
            "return_token_ids": True,
        }
