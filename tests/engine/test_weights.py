"""Where tensors lie in safetensors files, and ways in which such files are wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from token_difr.engine import onnx_sessions
from token_difr.engine.onnx import OnnxEngine
from token_difr.engine.rounding import WeightRounding
from token_difr.engine.weights import read_weights, stored_tensors
from token_difr.errors import InputError
from token_difr.server.model.folder import ModelFolder


@pytest.fixture(scope="module")
def weights(folder: ModelFolder) -> dict[str, Any]:
    return read_weights(folder.path)


def logits(path: Path, **options: Any) -> Any:
    engine = OnnxEngine(path, **options)
    ids = np.array([[5, 6, 7, 8]])
    return engine.forward(ids, np.arange(4)[None], np.ones_like(ids), engine.empty_cache()).logits


def in_one_file(folder: Path, weights: dict[str, Any]) -> None:
    save_file(weights, folder / "model.safetensors")


def in_shards(folder: Path, weights: dict[str, Any]) -> None:
    names = sorted(weights)
    shards = {"a.safetensors": names[::2], "b.safetensors": names[1::2]}
    for file, part in shards.items():
        save_file({name: weights[name] for name in part}, folder / file)
    where = {name: file for file, part in shards.items() for name in part}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": where}))
    save_file({"model.norm.weight": weights["model.norm.weight"] * 0}, folder / "consolidated.safetensors")


def behind_links(folder: Path, weights: dict[str, Any]) -> None:
    """As in Hugging Face's cache."""
    (folder / "blobs").mkdir()
    save_file(weights, folder / "blobs" / "f00d")
    (folder / "model.safetensors").symlink_to(folder / "blobs" / "f00d")


def off_by_a_byte(folder: Path, weights: dict[str, Any]) -> None:
    save_file({"a.rotary_emb.inv_freq": np.zeros(3, np.float16), **weights}, folder / "model.safetensors")
    file = folder / "model.safetensors"
    data = file.read_bytes()
    length = int.from_bytes(data[:8], "little")
    file.write_bytes((length + 1).to_bytes(8, "little") + data[8 : 8 + length] + b" " + data[8 + length :])


@pytest.mark.parametrize("write", [in_one_file, in_shards, behind_links, off_by_a_byte])
def test_float32_in_every_place(
    folder: ModelFolder, weights: dict[str, Any], tmp_path: Path, write: Callable[[Path, Any], None]
) -> None:
    """The same logits to the bit as from float16, which the demo's values fit into."""
    (tmp_path / "config.json").write_bytes((folder.path / "config.json").read_bytes())
    write(tmp_path, weights)
    mapped = [tensor.place is not None for tensor in stored_tensors(tmp_path).values()]

    assert set(mapped) == {write is not off_by_a_byte}
    assert np.array_equal(logits(tmp_path), logits(folder.path))


@pytest.mark.parametrize("rounding", [None, WeightRounding.INT4])
def test_weights_of_large_models_are_converted_in_a_file(
    folder: ModelFolder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, rounding: WeightRounding | None
) -> None:
    """The same to the bit as in memory, and the file is gone once the model stands."""
    expected = logits(folder.path, rounding=rounding)
    monkeypatch.setattr(onnx_sessions, "_SMALL_BYTES", 0)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)

    assert np.array_equal(logits(folder.path, rounding=rounding, threads=1), expected)
    assert list(tmp_path.iterdir()) == []


def cut(data: bytes) -> bytes:
    return data[:-1]


def without_shape(data: bytes) -> bytes:
    return data.replace(b'"shape"', b'"shaqe"', 1)


def of_eight_bits(data: bytes) -> bytes:
    return data.replace(b'"F16"', b'"I16"', 1)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (cut, "cut off"),
        (without_shape, "cannot be read"),
        (of_eight_bits, "is I16; only F32, F16 and BF16"),
        (lambda _: b"no", "no safetensors file"),
        (lambda _: b"\x02" + bytes(7) + b"[]", "no safetensors file"),
        (lambda _: b"\xff" * 8 + b"{}", "no safetensors file"),
    ],
)
def test_files_that_are_wrong(folder: ModelFolder, tmp_path: Path, spoil: Callable[[bytes], bytes], said: str) -> None:
    """Each names the file."""
    file = tmp_path / "model.safetensors"
    file.write_bytes(spoil((folder.path / "model.safetensors").read_bytes()))
    with pytest.raises(InputError, match=said) as raised:
        stored_tensors(tmp_path)

    assert str(file) in str(raised.value)


@pytest.mark.parametrize("named", ["gone.safetensors", "../model.safetensors", None])
def test_index_names_files_of_the_folder(tmp_path: Path, named: str | None) -> None:
    """No other ones, and those that are there."""
    save_file({"a": np.zeros(1, np.float32)}, tmp_path / "model.safetensors")
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": named} if named else 3}))
    with pytest.raises(InputError, match=named or "no file"):
        stored_tensors(inner)


def test_folder_without_weights_says_so(folder: ModelFolder, tmp_path: Path) -> None:
    """A configuration alone is no model; nor is an empty folder."""
    with pytest.raises(InputError, match=r"neither model\.onnx nor config\.json"):
        OnnxEngine(tmp_path)
    (tmp_path / "config.json").write_bytes((folder.path / "config.json").read_bytes())
    with pytest.raises(InputError, match="safetensors"):
        OnnxEngine(tmp_path)
