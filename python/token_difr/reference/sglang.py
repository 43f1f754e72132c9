"""SGLang's dialect: ``POST /generate``, beside ``/v1``.

``meta_info.input_token_logprobs`` has the sent tokens' own logprobs, ``input_top_logprobs`` the top k of each position, as
``[logprob, id, text]``; the first entry of both is null. Input logprobs are the model's own, whatever the temperature.
SGLang's ``/v1/completions`` names tokens by strings only: it is not used.
"""

from __future__ import annotations

from typing import Any

from token_difr.reference.served import ServedReference

__all__ = ["SglangReference"]


class SglangReference(ServedReference):
    """An SGLang server; it serves one model, and ``model`` is only a name.

    Arguments: :class:`~token_difr.reference.served.ServedReference`.
    """

    dialect = "sglang"
    form = "sglang"
    echo_check = "by their ids"
    path = "/generate"
    at_root = True

    def _body(self, sent: list[int], prompt_length: int) -> dict[str, Any]:
        del prompt_length
        return {
            "input_ids": sent,
            "sampling_params": {"max_new_tokens": 1, "temperature": 0},
            "return_logprob": True,
            "logprob_start_len": 0,
            "top_logprobs_num": self.topk_logprobs,
            "return_text_in_logprobs": False,
        }
