"""The tensors of a model's files: where each one lies, and its values as float32."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from token_difr.errors import InputError, UnsupportedModelError
from token_difr.sequences import json_object

__all__ = ["Place", "StoredTensor", "read_weights", "stored_tensors"]

_INDEX = "model.safetensors.index.json"
_USUAL = "model.safetensors"
_LARGEST_HEADER = 100_000_000
"""Bytes; the format's own limit."""


@dataclass(frozen=True)
class Place:
    """Where the float32 values of a tensor lie in a file, row by row, little-endian.

    Attributes:
        file: The file.
        offset: Bytes before the first value; a multiple of 4.
    """

    file: Path
    offset: int


@dataclass(frozen=True, kw_only=True)
class StoredTensor:
    """A tensor that is not read yet.

    Attributes:
        shape: Its shape.
        read: Gives the values as float32; those that lie so in a file are mapped and not copied.
        place: Where they lie so; None where they are of another type or form.
    """

    shape: tuple[int, ...]
    read: Callable[[], NDArray[np.float32]]
    place: Place | None = None


def read_weights(folder: Path) -> dict[str, NDArray[np.float32]]:
    """All tensors of the folder's safetensors files by name, as float32.

    Raises:
        InputError: See :func:`stored_tensors`.
    """
    return {name: tensor.read() for name, tensor in stored_tensors(folder).items()}


def stored_tensors(folder: Path) -> dict[str, StoredTensor]:
    """The tensors of the folder's safetensors files by name.

    The files are those that the index names, else ``model.safetensors``, else all.

    Raises:
        UnsupportedModelError: No safetensors file, or a tensor that is neither float32, float16 nor bfloat16.
        InputError: A file that is cut off, missing, or none of its kind.
    """
    tensors: dict[str, StoredTensor] = {}
    for file in _files(folder):
        tensors.update(_tensors_of(file))
    return tensors


def _files(folder: Path) -> list[Path]:
    if (folder / _INDEX).is_file():
        named = json_object(folder / _INDEX).get("weight_map")
        names = sorted({str(name) for name in named.values()}) if isinstance(named, dict) else []
        missing = [name for name in names if Path(name).name != name or not (folder / name).is_file()]
        if missing or not names:
            raise InputError(f"{folder / _INDEX}: it names {missing[0] if missing else 'no file'}, which is not there")
        return [folder / name for name in names]
    files = [folder / _USUAL] if (folder / _USUAL).is_file() else sorted(folder.glob("*.safetensors"))
    if not files:
        raise UnsupportedModelError(
            f"{folder}: no *.safetensors file: the model's weights are missing or of another form"
        )
    return files


def _tensors_of(file: Path) -> dict[str, StoredTensor]:
    header, start = _header(file)
    data = np.memmap(file, mode="r", dtype=np.uint8)
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        try:
            kind, shape, (begin, end) = entry["dtype"], tuple(map(int, entry["shape"])), entry["data_offsets"]
            size = _SIZES.get(kind)
            whole = size is not None and end - begin == size * int(np.prod(shape)) and 0 <= begin <= end
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"{file}: the entry of tensor {name} cannot be read") from error
        if size is None:
            raise UnsupportedModelError(f"{file}: tensor {name} is {kind}; only F32, F16 and BF16 can be read")
        if not whole or start + end > len(data):
            raise InputError(f"{file}: tensor {name} does not lie within the file: is it cut off?")
        tensors[name] = _stored(file, data, kind, shape, slice(start + begin, start + end))
    return tensors


def _header(file: Path) -> tuple[Mapping[str, Any], int]:
    """The description of the tensors, and where their bytes begin."""
    with file.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        text = stream.read(length) if length <= _LARGEST_HEADER else b""
    try:
        header = json.loads(text)
    except ValueError as error:
        raise InputError(f"{file}: no safetensors file") from error
    if not isinstance(header, dict):
        raise InputError(f"{file}: no safetensors file")
    return header, 8 + length


def _stored(file: Path, data: NDArray[np.uint8], kind: str, shape: tuple[int, ...], part: slice) -> StoredTensor:
    def read() -> NDArray[np.float32]:
        return _READERS[kind](data[part]).reshape(shape)

    mapped = kind == "F32" and part.start % 4 == 0
    return StoredTensor(shape=shape, read=read, place=Place(file, part.start) if mapped else None)


def _from_float32(data: NDArray[np.uint8]) -> NDArray[np.float32]:
    aligned = data if data.ctypes.data % 4 == 0 else data.copy()
    return aligned.view("<f4")


def _from_float16(data: NDArray[np.uint8]) -> NDArray[np.float32]:
    return np.frombuffer(data.tobytes(), dtype="<f2").astype(np.float32)


def _from_bfloat16(data: NDArray[np.uint8]) -> NDArray[np.float32]:
    # NumPy has no bfloat16: it is the upper half of a float32.
    return (np.frombuffer(data.tobytes(), dtype="<u2").astype(np.uint32) << np.uint32(16)).view(np.float32)


_READERS = {"F32": _from_float32, "F16": _from_float16, "BF16": _from_bfloat16}
_SIZES = {"F32": 4, "F16": 2, "BF16": 2}
