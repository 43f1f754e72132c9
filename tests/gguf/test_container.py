"""The layout of GGUF files against the package ``gguf``, and files that are wrong."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from token_difr.errors import InputError
from token_difr.gguf.blocks import byte_size
from token_difr.gguf.container import GgufFile

TEXTS = ["", "a", "größer", "🎉"]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every type of value, and two tensors."""
    path = tmp_path_factory.mktemp("gguf") / "any.gguf"
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_uint8("u8", 200)
    writer.add_int16("i16", -300)
    writer.add_uint64("u64", 2**40)
    writer.add_float32("f32", 0.5)
    writer.add_float64("f64", 1e-300)
    writer.add_bool("yes", val=True)
    writer.add_string("text", "größer")
    writer.add_array("texts", TEXTS)
    writer.add_array("numbers", [1, -2, 3])
    writer.add_tensor("one", np.arange(6, dtype=np.float32).reshape(2, 3))
    writer.add_tensor("two", np.arange(4, dtype=np.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def test_values_are_those_that_were_written(file: Path) -> None:
    """Numbers as Python's own, lists of numbers as arrays."""
    found = GgufFile(file).metadata
    expected = {"u8": 200, "i16": -300, "u64": 2**40, "f32": 0.5, "f64": 1e-300, "yes": True, "text": "größer"}

    assert {name: found[name] for name in expected} == expected
    assert found["texts"] == TEXTS
    assert found["numbers"].tolist() == [1, -2, 3]


def test_tensors_are_those_that_were_written(file: Path) -> None:
    """Shape, type and bytes."""
    opened = GgufFile(file)
    one, two = opened.tensors

    assert (one.name, one.shape, two.shape) == ("one", (2, 3), (4,))
    assert opened.bytes_of(one, byte_size(one.kind, 6, "one")).view("<f4").tolist() == list(range(6))
    assert opened.bytes_of(two, byte_size(two.kind, 4, "two")).tobytes() == np.arange(4, dtype="<f2").tobytes()


@given(data=st.data())
def test_damaged_files_are_errors(file: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Cut off anywhere, or with other bytes anywhere: an error of ours, or a file that is read."""
    content = bytearray(file.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        del content[place:]
    else:
        content[place : place + 8] = data.draw(st.binary(min_size=1, max_size=8))
    damaged = tmp_path_factory.mktemp("damaged") / "any.gguf"
    damaged.write_bytes(content)
    said = str(damaged)
    try:
        opened = GgufFile(damaged)
        for tensor in opened.tensors:
            opened.bytes_of(tensor, 4)
    except InputError as error:
        said = str(error)

    assert str(damaged) in said


def test_other_files_are_named(tmp_path: Path) -> None:
    """No GGUF file, an empty one, none at all, and another version."""
    for content, said in [(b"GGML1234", "no GGUF file"), (b"", "cannot be read"), (b"GGUF\x01\0\0\0", "version 1")]:
        (tmp_path / "a.gguf").write_bytes(content)
        with pytest.raises(InputError, match=said):
            GgufFile(tmp_path / "a.gguf")
    with pytest.raises(InputError, match="cannot be read"):
        GgufFile(tmp_path / "none.gguf")
