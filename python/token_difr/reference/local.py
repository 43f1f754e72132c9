"""A model in this process as the reference: no server, and for most models no torch.

Models of the Llama family run on ONNX Runtime, on the very engine of ``token-difr serve`` (extra ``serve``). Others, models
that are loaded already, other devices and other element types run on torch (extra ``torch``). What grows with the vocabulary
is bounded on both: the engine holds one chunk's logits, and torch one slice of the output matrix's product at a time.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from token_difr.demo_model import DEMO, MODEL_FOLDER
from token_difr.engine.choice import EngineChoice
from token_difr.errors import InputError, unimportable
from token_difr.gguf.container import is_gguf
from token_difr.records import TokenSequence, TopKBatch
from token_difr.reference.batched import BatchedReference
from token_difr.reference.engine_scorer import EngineScorer
from token_difr.reference.rows import allowed_topk, batch_of, sent_tokens
from token_difr.reference.scored import Scorer
from token_difr.reference.torch_scorer import TorchScorer

__all__ = ["LocalReference", "local_model"]

_ENGINE_RUNS = ("cpu", "float32")
"""Device and element type of ONNX Runtime's kernels here."""


class LocalReference(BatchedReference):
    """A causal language model: of a folder, of a GGUF file, or of transformers.

    Args:
        model: A folder, a GGUF file, "demo" for the packaged model, or a model of transformers that is loaded.
        topk_logprobs: Entries a row, at least 1; lowered to the vocabulary's size with a warning.
        engine: "onnx", "torch", or "auto": ONNX Runtime for Llama's family by its weights, else torch.
        device: Where it runs; all but "cpu" is torch's.
        dtype: What it computes in, by torch's name; all but "float32" is torch's. Logprobs are float32 in any case.
        threads: Of ONNX Runtime; None = one for a small model, else one a core.
        batch_size: Sequences that are read together, and on torch run together.
        vocabulary_slice: Ids whose logits torch holds at once.

    Raises:
        InputError: ``topk_logprobs`` below 1, an engine that cannot run this, torch is missing where it is needed, or the
            model cannot be loaded.
    """

    dialect = "local"

    def __init__(
        self,
        model: Any,
        *,
        topk_logprobs: int = 20,
        engine: str = EngineChoice.AUTO,
        device: str = "cpu",
        dtype: str = "float32",
        threads: int | None = None,
        batch_size: int = 8,
        vocabulary_slice: int = 16_384,
    ) -> None:
        path = local_model(os.fspath(model)) if isinstance(model, str | os.PathLike) else None
        self.model = str(path or getattr(model, "name_or_path", model))
        self._batch_size = batch_size
        found = _on_engine(path, engine, (device, dtype), threads)
        self._scorer: Scorer = found or TorchScorer(
            path or model, device=device, dtype=dtype, vocabulary_slice=vocabulary_slice
        )
        self.topk_logprobs = allowed_topk(topk_logprobs, self._scorer.vocabulary_size, self.dialect)

    def _batches(self, sequences: Sequence[TokenSequence], waiting: Sequence[int]) -> Iterator[list[int]]:
        """Those of similar length together."""

        def length(j: int) -> int:
            return len(sequences[j].prompt_token_ids) + len(sequences[j].output_token_ids)

        by_length = sorted(waiting, key=length)
        for start in range(0, len(by_length), self._batch_size):
            yield by_length[start : start + self._batch_size]

    def _score(self, sequences: Sequence[TokenSequence]) -> list[TopKBatch]:
        sent = [sent_tokens(sequence) for sequence in sequences]
        largest = max(int(tokens.max()) for tokens, _ in sent)
        if largest >= self._scorer.vocabulary_size:
            raise InputError(f"id {largest} is beyond the model's vocabulary of {self._scorer.vocabulary_size}")
        scored = self._scorer.score(sent, self.topk_logprobs)
        return [batch_of(rows, tokens, start) for rows, (tokens, start) in zip(scored, sent, strict=True)]


def local_model(name: str) -> Path | None:
    """The folder or GGUF file that a name stands for, "demo" for the packaged model; None where it names none.

    As an absolute path: a record of it means the same in every working directory.
    """
    if name == DEMO:
        return MODEL_FOLDER
    try:
        path = Path(name).expanduser().absolute()
        return path if name and (path.is_dir() or (is_gguf(path) and path.is_file())) else None
    except (OSError, RuntimeError, ValueError):  # longer than a path may be, nobody's home, a NUL
        return None


def _on_engine(path: Path | None, engine: str, asked: tuple[str, str], threads: int | None) -> EngineScorer | None:
    """The scorer on ONNX Runtime; None where torch is to run the model.

    Raises:
        InputError: No such engine, or one that does not run this.
    """
    if engine not in set(EngineChoice):
        raise InputError(f"engine {engine!r} is none of {', '.join(EngineChoice)}")
    if engine == EngineChoice.ONNX and (path is None or asked != _ENGINE_RUNS):
        raise InputError("the engine onnx runs folders and GGUF files on the CPU in float32: take the engine torch")
    # What is no path may be a name in the cache of transformers.
    if engine == EngineChoice.TORCH or asked != _ENGINE_RUNS or path is None:
        return None
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401

        from token_difr.engine.loading import onnx_if_it_can
        from token_difr.engine.onnx import OnnxEngine
        from token_difr.engine.onnx_sessions import find_graph
    except ImportError as error:
        if engine == EngineChoice.AUTO and find_spec("torch") is not None:
            return None
        raise unimportable(error, "onnxruntime", "a local model", "token-difr[serve]") from error
    if engine == EngineChoice.ONNX:
        return EngineScorer(OnnxEngine(path, threads=threads))
    if find_graph(path) is not None:
        return None  # an exported graph may compute in less than float32, and does not say so
    found = onnx_if_it_can(path, threads=threads)
    return None if found is None else EngineScorer(found)
