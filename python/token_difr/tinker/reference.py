"""Tinker as the reference, through its own SDK (extra ``tinker``).

One request a sequence scores it as a prompt: ``topk_prompt_logprobs`` gives the rows, and ``prompt_logprobs`` the sent
tokens' own logprobs, wherever they rank (``target_prompt_logprobs`` would tell the same of these tokens, and is not
needed). Entry i is about token i given those before it, entry 0 is None. One token is generated and ignored.

* SDKs that have ``prompt_logprobs_last_n`` score the output alone; the prompt then comes from the service's cache.
* Empty cells (id 0, logprob -99999.0) are padding, and removed.
* How many entries a row the service allows it decides itself: a refused number is halved, with a warning.
"""

from __future__ import annotations

import inspect
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from token_difr.errors import AnswerError, BatchError, InputError, RowsError, TokenDifrWarning
from token_difr.records import TokenSequence, TopKBatch
from token_difr.reference.reference import Reference
from token_difr.reference.rows import Rows, allowed_topk, batch_of, sent_tokens
from token_difr.tinker.sdk import check_installed, tinker_error, tinker_result

__all__ = ["TinkerReference"]

PADDING = -99999.0


class TinkerReference(Reference):
    """A model on Tinker.

    Args:
        client: The SDK's ``SamplingClient``: ``service_client.create_sampling_client(...).result()``.
        model: What it is called in reports.
        topk_logprobs: Entries a row, at least 1; lowered, with a warning, when the service refuses so many.

    Raises:
        InputError: ``topk_logprobs`` below 1, tinker is not installed, or its SDK has no ``topk_prompt_logprobs``.
    """

    dialect = "tinker"
    echo_check = "by their number"

    def __init__(self, client: Any, model: str, *, topk_logprobs: int = 20) -> None:
        check_installed("reference")
        parameters = inspect.signature(client.sample).parameters
        if "topk_prompt_logprobs" not in parameters:
            raise InputError("this tinker SDK has no topk_prompt_logprobs: install tinker 0.28.1 or newer")
        self.topk_logprobs = allowed_topk(topk_logprobs, float("inf"), self.dialect)
        self._last_n = "prompt_logprobs_last_n" in parameters
        self._client = client
        self.url = None
        self.model = model

    async def rows(self, sequence: TokenSequence, *, tag: str) -> TopKBatch:
        """See :meth:`Reference.rows`."""
        sent, prompt_length = sent_tokens(sequence)
        answer = await self._score(sent.tolist(), prompt_length, tag=tag)
        try:
            own, token_ids, logprobs = _prompt_arrays(answer, len(sent))
            return batch_of(_rows(own, token_ids, logprobs, sent, prompt_length), sent, prompt_length)
        except (BatchError, AnswerError) as error:
            raise RowsError(f"tinker, {tag.replace('-', ' ')}: {error}") from error

    async def _score(self, sent: list[int], prompt_length: int, *, tag: str) -> Any:
        import tinker

        refusal: Exception | None = None
        topk = self.topk_logprobs
        while True:
            try:
                answer = await self._sample(sent, prompt_length, topk)
            except tinker.RequestFailedError as error:
                if "user" not in str(error.category).lower():
                    raise tinker_error(error, tag.replace("-", " ")) from error
                if topk == 1:  # however few are asked for: it is the sequence that is refused
                    raise RowsError(str(tinker_error(error, tag.replace("-", " ")))) from error
                refusal = refusal or error
                topk = max(1, min(topk // 2, self.topk_logprobs))
            except tinker.TinkerError as error:
                raise tinker_error(error, tag.replace("-", " ")) from error
            else:
                self._lower(topk, refusal)
                return answer

    def _lower(self, allowed: int, refusal: Exception | None) -> None:
        """Ask for as many as were given, from here on. Requests in flight may have found another number."""
        if refusal is not None and allowed < self.topk_logprobs:
            warnings.warn(
                f"tinker refused {self.topk_logprobs} logprobs a position: lowered to {allowed} ({refusal})",
                TokenDifrWarning,
                stacklevel=4,
            )
            self.topk_logprobs = allowed

    async def _sample(self, sent: list[int], prompt_length: int, topk: int) -> Any:
        from tinker import types

        # Position 0 has nothing before it and cannot be asked for.
        last = {"prompt_logprobs_last_n": len(sent) - prompt_length} if self._last_n and prompt_length else {}
        future = self._client.sample(
            prompt=types.ModelInput.from_ints(sent),
            num_samples=1,
            sampling_params=types.SamplingParams(max_tokens=1, temperature=0.0),
            include_prompt_logprobs=True,
            topk_prompt_logprobs=topk,
            **last,
        )
        return await tinker_result(future)


def _prompt_arrays(answer: Any, length: int) -> tuple[NDArray[np.float32], NDArray[np.uint32], NDArray[np.float32]]:
    """The tokens' own logprobs [token], and ids and logprobs [token, k]; NaN and padding where there are none."""
    own = np.array([np.nan if value is None else value for value in answer.prompt_logprobs or ()], np.float32)
    top = getattr(answer, "topk_prompt_logprobs_np", None)
    if top is not None:
        token_ids, logprobs = np.asarray(top.token_ids), np.asarray(top.logprobs, np.float32)
    else:
        token_ids, logprobs = _dense(answer.topk_prompt_logprobs or ())
    if len(own) != length or len(token_ids) != length:
        raise RowsError(f"the reference returned {min(len(own), len(token_ids))} rows for {length} tokens")
    return own, token_ids.astype(np.uint32), logprobs


def _dense(rows: Any) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Lists of (id, logprob), as older SDKs give them, in two matrices."""
    width = max((len(row) for row in rows if row), default=0)
    token_ids = np.zeros((len(rows), width), np.int64)
    logprobs = np.full((len(rows), width), PADDING, np.float32)
    for j, row in enumerate(rows):
        for k, (token, logprob) in enumerate(row or ()):
            token_ids[j, k], logprobs[j, k] = token, logprob
    return token_ids, logprobs


def _rows(
    own: NDArray[np.float32],
    token_ids: NDArray[np.uint32],
    logprobs: NDArray[np.float32],
    sent: NDArray[np.uint32],
    prompt_length: int,
) -> Rows:
    """The output's rows, without padding; own logprobs only where the row lacks the token."""
    claimed = sent[prompt_length:]
    token_ids, logprobs, own = token_ids[prompt_length:], logprobs[prompt_length:], own[prompt_length:]
    given = logprobs > PADDING
    if prompt_length == 0:
        given[:1] = False
    missing = ~given.any(axis=1) & np.isnan(own)
    missing[: 1 if prompt_length == 0 else 0] = False
    if missing.any():
        position = prompt_length + int(missing.argmax())
        raise RowsError(f"the reference gives no logprobs for the token at position {position}")
    inside = (given & (token_ids == claimed[:, None])).any(axis=1)
    return Rows(
        indptr=np.concatenate([[0], given.sum(axis=1).cumsum()]).astype(np.int64),
        token_ids=token_ids[given],
        logprobs=logprobs[given],
        claimed_logprob=np.where(inside, np.float32(np.nan), own).astype(np.float32),
        claimed_rank=np.full(len(claimed), -1, np.int32),
    )
