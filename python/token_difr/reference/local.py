"""A Hugging Face model in this process as the reference (extra ``torch``).

Sequences of similar length are run together, padded on the right. What grows with the vocabulary is bounded: the output
positions' hidden states are multiplied with one slice of the output matrix at a time, which keeps the running top k, the
running log of the sum, and the claimed token's logit. Models whose logits are more than that product (soft caps, scales)
are found by comparing the two on a few tokens, and run through their own forward pass, some positions at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from token_difr.errors import InputError, unimportable
from token_difr.records import TokenSequence, TopKBatch
from token_difr.reference.batched import BatchedReference
from token_difr.reference.output_head import OutputHead
from token_difr.reference.rows import allowed_topk, batch_of, sent_tokens

__all__ = ["LocalReference"]


class LocalReference(BatchedReference):
    """A causal language model of transformers.

    Args:
        model: A folder, a GGUF file, or a model that is loaded.
        topk_logprobs: Entries a row, at least 1; lowered to the vocabulary's size with a warning.
        device: Where it runs.
        dtype: What it computes in, by torch's name; logprobs are float32 in any case.
        batch_size: Sequences that are run together.
        vocabulary_slice: Ids whose logits are held at once.

    Raises:
        InputError: ``topk_logprobs`` below 1, torch is missing, or the model cannot be loaded.
    """

    dialect = "local"

    def __init__(
        self,
        model: Any,
        *,
        topk_logprobs: int = 20,
        device: str = "cpu",
        dtype: str = "float32",
        batch_size: int = 8,
        vocabulary_slice: int = 16_384,
    ) -> None:
        self._torch = _import_torch()
        self.model = str(getattr(model, "name_or_path", model))
        is_path = isinstance(model, str | Path)
        self._model = (_load(Path(model), getattr(self._torch, dtype)) if is_path else model).to(device).eval()
        self._device = device
        self._batch_size = batch_size
        self._head = OutputHead(self._model, vocabulary_slice=vocabulary_slice)
        self.topk_logprobs = allowed_topk(topk_logprobs, self._head.vocabulary_size, self.dialect)

    def _batches(self, sequences: Sequence[TokenSequence], waiting: Sequence[int]) -> Iterator[list[int]]:
        def length(j: int) -> int:
            return len(sequences[j].prompt_token_ids) + len(sequences[j].output_token_ids)

        by_length = sorted(waiting, key=length)
        for start in range(0, len(by_length), self._batch_size):
            yield by_length[start : start + self._batch_size]

    def _score(self, sequences: Sequence[TokenSequence]) -> list[TopKBatch]:
        torch = self._torch
        sent = [sent_tokens(sequence) for sequence in sequences]
        width = max(len(tokens) for tokens, _ in sent)
        ids = torch.zeros((len(sent), width), dtype=torch.long)
        mask = torch.zeros_like(ids)
        for row, (tokens, _) in enumerate(sent):
            ids[row, : len(tokens)] = torch.from_numpy(tokens.astype(np.int64))
            mask[row, : len(tokens)] = 1
        if int(ids.max()) >= self._head.vocabulary_size:
            raise InputError(f"id {int(ids.max())} is beyond the model's vocabulary of {self._head.vocabulary_size}")
        # Position j is scored by what stands before it; position 0 by nothing.
        places = [(row, j) for row, (tokens, start) in enumerate(sent) for j in range(max(start, 1), len(tokens))]
        with torch.inference_mode():
            scored = self._head.score(ids.to(self._device), mask.to(self._device), places, self.topk_logprobs)
        batches, at = [], 0
        for tokens, start in sent:
            count = len(tokens) - max(start, 1)
            unscored = len(tokens) - start - count
            batches.append(batch_of(scored.rows(at, at + count, unscored=unscored), tokens, start))
            at += count
        return batches


def _import_torch() -> Any:
    try:
        import torch
        import transformers  # noqa: F401
    except ImportError as error:
        raise unimportable(error, "torch", "a local model", "token-difr[torch]") from error
    return torch


def _load(path: Path, dtype: Any) -> Any:
    from transformers import AutoModelForCausalLM

    place = {"gguf_file": path.name} if path.suffix == ".gguf" else {}
    try:
        # Never code from the model's folder: trust_remote_code stays off.
        return AutoModelForCausalLM.from_pretrained(
            path.parent if place else path, dtype=dtype, trust_remote_code=False, **place
        )
    except (OSError, ValueError, ImportError) as error:
        raise InputError(f"{path}: the model cannot be loaded: {str(error).partition(chr(10))[0]}") from error
