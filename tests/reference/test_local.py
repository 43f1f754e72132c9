"""A model in this process."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from token_difr.demo_model import MODEL_FOLDER
from token_difr.errors import InputError
from token_difr.records import TokenSequence, TopKBatch
from token_difr.reference import LocalReference, VllmReference, local_model
from token_difr.services import open_client

K = 5
ON_TORCH = {"engine": "torch"}


def from_server(url: str, sequences: list[TokenSequence]) -> TopKBatch:
    async def work() -> TopKBatch:
        async with open_client(url, max_retries=0) as client:
            return await VllmReference(client, "demo", topk_logprobs=K).topk(sequences, progress=False)

    return asyncio.run(work())


def assert_same(batch: TopKBatch, wanted: TopKBatch) -> None:
    assert batch.indptr.tolist() == wanted.indptr.tolist()
    assert batch.token_ids.tolist() == wanted.token_ids.tolist()
    assert batch.logprobs == pytest.approx(wanted.logprobs, abs=2e-3)
    assert batch.claimed_logprob == pytest.approx(wanted.claimed_logprob, abs=2e-3, nan_ok=True)
    assert batch.claimed_rank.tolist() == wanted.claimed_rank.tolist()
    assert batch.sequence_indptr.tolist() == wanted.sequence_indptr.tolist()


@pytest.mark.parametrize(
    "options", [{}, ON_TORCH, {**ON_TORCH, "vocabulary_slice": 300}, {**ON_TORCH, "batch_size": 1}]
)
def test_same_rows_as_a_server(options: Any, demo_url: str, demo_sequences: list[TokenSequence]) -> None:
    """However the vocabulary and the batches are cut; sequences without output keep their place."""
    if "engine" in options:
        pytest.importorskip("torch")
    sequences = [*demo_sequences, TokenSequence([3], [])]
    reference = LocalReference(MODEL_FOLDER, topk_logprobs=K, **options)
    kept: dict[int, TopKBatch] = {}
    batch = asyncio.run(reference.topk(sequences, progress=False, keep=kept.__setitem__))

    assert_same(batch, from_server(demo_url, sequences))
    assert sorted(kept) == [0, 1, 2, 3]
    again = asyncio.run(reference.topk(sequences, progress=False, answered=kept))
    assert again.logprobs.tolist() == batch.logprobs.tolist()


def test_logits_that_are_more_than_a_product(demo_sequences: list[TokenSequence]) -> None:
    """A model that changes its logits at the end is run through its own forward pass."""
    torch = pytest.importorskip("torch")
    from transformers import AutoModelForCausalLM

    plain = AutoModelForCausalLM.from_pretrained(MODEL_FOLDER, dtype=torch.float32)

    class Halved(type(plain)):  # type: ignore[misc]
        def forward(self, *arguments: Any, **named: Any) -> Any:
            """Halves the logits."""
            result = super().forward(*arguments, **named)
            result.logits = result.logits / 2
            return result

    reference = LocalReference(MODEL_FOLDER, topk_logprobs=K)
    plain.__class__ = Halved
    halved = LocalReference(plain, topk_logprobs=K)
    ours = asyncio.run(halved.topk(demo_sequences, progress=False))
    theirs = asyncio.run(reference.topk(demo_sequences, progress=False))

    differences = np.diff(ours.logprobs.reshape(-1, K)), np.diff(theirs.logprobs.reshape(-1, K))
    assert differences[0] == pytest.approx(differences[1] / 2, abs=2e-3)


@pytest.mark.parametrize("engine", ["onnx", "torch"])
def test_first_token_of_all_is_not_scored(engine: str) -> None:
    """A sequence without a prompt has nothing before its first token: an empty row."""
    if engine == "torch":
        pytest.importorskip("torch")
    reference = LocalReference(MODEL_FOLDER, topk_logprobs=K, engine=engine)
    batch = asyncio.run(reference.topk([TokenSequence([], [5, 6]), TokenSequence([], [7])], progress=False))

    assert batch.indptr.tolist() == [0, 0, K, K]


def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sequence of many chunks, outputs that begin within one, at its edge and behind it: the rows of one pass."""
    rng = np.random.default_rng(3)
    tokens = rng.integers(4, 2000, 20).tolist()
    sequences = [TokenSequence(tokens[:start], tokens[start:]) for start in (0, 1, 3, 4, 5, 8, 19)]
    whole = asyncio.run(LocalReference(MODEL_FOLDER, topk_logprobs=K).topk(sequences, progress=False))
    monkeypatch.setattr("token_difr.reference.engine_scorer.default_chunk_size", lambda _: 4)
    cut = asyncio.run(LocalReference(MODEL_FOLDER, topk_logprobs=K).topk(sequences, progress=False))

    assert_same(cut, whole)


def test_reference_needs_no_torch(monkeypatch: pytest.MonkeyPatch, demo_sequences: list[TokenSequence]) -> None:
    """A folder of the Llama family is scored where torch is not installed; what needs it says so."""
    monkeypatch.setitem(sys.modules, "torch", None)
    batch = asyncio.run(LocalReference(MODEL_FOLDER, topk_logprobs=K).topk(demo_sequences, progress=False))

    assert np.isfinite(batch.logprobs).all()
    elsewhere: tuple[dict[str, Any], ...] = ({"dtype": "bfloat16"}, {"device": "cuda"}, ON_TORCH)
    for options in elsewhere:
        with pytest.raises(InputError, match=r"needs torch.*pip install|which is installed and cannot be imported"):
            LocalReference(MODEL_FOLDER, **options)


@pytest.mark.parametrize(
    ("model", "options", "said"),
    [
        ("folder", {}, "cannot be loaded"),
        ("demo", {"engine": "tensorrt"}, "engine 'tensorrt' is none of auto, onnx, torch"),
        ("demo", {"engine": "onnx", "dtype": "bfloat16"}, "float32"),
        ("demo", {"engine": "onnx", "device": "cuda"}, "on the CPU"),
        ("demo", {"topk_logprobs": 0}, "at least 1"),
    ],
)
def test_what_cannot_be_made(tmp_path: Path, model: str, options: dict[str, Any], said: str) -> None:
    """A folder without a model, and settings that no engine has."""
    with pytest.raises(InputError, match=said):
        LocalReference(tmp_path if model == "folder" else MODEL_FOLDER, **options)


def test_names_of_models(tmp_path: Path) -> None:
    """What names a folder or a GGUF file, absolutely; what names none is no error, however odd."""
    (tmp_path / "folder.gguf").mkdir()
    (tmp_path / "file.gguf").write_bytes(b"GGUF")
    (tmp_path / "file.bin").write_bytes(b"")
    for name in ("folder.gguf", "file.gguf", "."):
        assert local_model(str(tmp_path / name)) == tmp_path / name
    assert local_model(".") == Path.cwd()
    assert local_model("demo") == MODEL_FOLDER
    odd = ("", "~nosuchuser/model", "a" * 5000, "a\0b", "http://127.0.0.1:8000", "organization/name")
    for name in (*odd, str(tmp_path / "file.bin"), str(tmp_path / "missing.gguf")):
        assert local_model(name) is None


def test_exported_graph_is_no_reference_unasked(tmp_path: Path) -> None:
    """It may compute in less than it should; one that ONNX Runtime cannot run is an error that names it."""
    for file in MODEL_FOLDER.iterdir():
        (tmp_path / file.name).symlink_to(file)
    (tmp_path / "model.onnx").write_bytes(b"no graph")
    with pytest.raises(InputError, match=r"model\.onnx: ONNX Runtime cannot run it"):
        LocalReference(tmp_path, engine="onnx")
    pytest.importorskip("torch")
    assert LocalReference(tmp_path).topk_logprobs == 20


def test_dtype_that_torch_does_not_have() -> None:
    """A word that is an attribute of torch and no type of elements is refused as any other is."""
    pytest.importorskip("torch")
    for word in ("float31", "nn", "load"):
        with pytest.raises(InputError, match=f"dtype '{word}' is none of torch's"):
            LocalReference(MODEL_FOLDER, dtype=word)


@pytest.mark.parametrize("engine", ["onnx", "torch"])
def test_ids_and_entries_beyond_the_vocabulary(engine: str) -> None:
    """More entries than there are tokens are lowered to them; an id that is no token is an error."""
    if engine == "torch":
        pytest.importorskip("torch")
    with pytest.warns(UserWarning, match="local gives at most 2048"):
        reference = LocalReference(MODEL_FOLDER, topk_logprobs=5000, engine=engine)
    with pytest.raises(InputError, match="id 9000 is beyond"):
        asyncio.run(reference.topk([TokenSequence([1], [9000])], progress=False))
