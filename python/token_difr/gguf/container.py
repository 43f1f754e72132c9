"""The layout of a GGUF file (versions 2 and 3): metadata, descriptions of tensors, and where their bytes begin.

All numbers are little-endian. A text is its length (uint64) and its UTF-8 bytes; a list is the type of its elements
(uint32), their number (uint64) and the elements. Source: ggml's docs/gguf.md.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from token_difr.errors import InputError

__all__ = ["GgufFile", "GgufTensor", "is_gguf"]

_MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_NUMBERS = {
    0: "<u1",
    1: "<i1",
    2: "<u2",
    3: "<i2",
    4: "<u4",
    5: "<i4",
    6: "<f4",
    7: "<u1",
    10: "<u8",
    11: "<i8",
    12: "<f8",
}
"""Types of numbers; 7 is a truth value."""
_TRUTH, _TEXT, _LIST = 7, 8, 9
_ALIGNMENT = 32
_MOST_DIMENSIONS = 8


def is_gguf(path: Path) -> bool:
    """Whether a path is a GGUF file rather than a folder."""
    return path.suffix == ".gguf" and not path.is_dir()


@dataclass(frozen=True, kw_only=True)
class GgufTensor:
    """A tensor's description.

    Attributes:
        name: ggml's name.
        shape: As NumPy counts: the last axis is the one that lies together.
        kind: ggml's number of its type.
        offset: Bytes of the file before its first one.
    """

    name: str
    shape: tuple[int, ...]
    kind: int
    offset: int


class GgufFile:
    """A GGUF file; the tensors' bytes are mapped, not read.

    Args:
        path: The file.

    Raises:
        InputError: It is none, of another version, or cut off.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self.data: NDArray[np.uint8] = np.memmap(path, mode="r", dtype=np.uint8)
        except (OSError, ValueError) as error:
            raise InputError(f"{path}: the GGUF file cannot be read: {error}") from error
        reader = _Reader(self.data)
        try:
            self.metadata, self.tensors = self._described(reader)
        except (EOFError, UnicodeDecodeError, KeyError) as error:
            raise InputError(f"{path}: the GGUF file is cut off or damaged at byte {reader.at}") from error

    def _described(self, reader: _Reader) -> tuple[dict[str, Any], list[GgufTensor]]:
        if reader.take(4).tobytes() != _MAGIC:
            raise InputError(f"{self.path}: no GGUF file")
        version = reader.number("<u4")
        if version not in _VERSIONS:
            raise InputError(f"{self.path}: GGUF of version {version}; versions 2 and 3 can be read, little-endian")
        tensors, entries = reader.number("<u8"), reader.number("<u8")
        metadata = {}
        for _ in range(entries):
            name = reader.text()
            metadata[name] = reader.value(reader.number("<u4"))
        found = [self._tensor(reader) for _ in range(tensors)]
        alignment = metadata.get("general.alignment", _ALIGNMENT)
        start = -(-reader.at // alignment) * alignment
        return metadata, [
            GgufTensor(name=name, shape=shape, kind=kind, offset=start + offset) for name, shape, kind, offset in found
        ]

    def _tensor(self, reader: _Reader) -> tuple[str, tuple[int, ...], int, int]:
        name = reader.text()
        dimensions = reader.number("<u4")
        if dimensions > _MOST_DIMENSIONS:
            raise EOFError
        # ggml counts the axis that lies together first.
        shape = tuple(reader.number("<u8") for _ in range(dimensions))[::-1]
        return name, shape, reader.number("<u4"), reader.number("<u8")

    def bytes_of(self, tensor: GgufTensor, size: int) -> NDArray[np.uint8]:
        """The bytes of a tensor.

        Args:
            tensor: One of this file.
            size: Their number.

        Raises:
            InputError: The file ends before.
        """
        if tensor.offset + size > len(self.data):
            raise InputError(f"{self.path}: tensor {tensor.name} does not lie within the file: is it cut off?")
        return self.data[tensor.offset : tensor.offset + size]


class _Reader:
    """Values one after the other."""

    def __init__(self, data: NDArray[np.uint8]) -> None:
        self._data = data
        self.at = 0

    def take(self, size: int) -> NDArray[np.uint8]:
        """The next bytes."""
        if size > len(self._data) - self.at:
            raise EOFError
        self.at += size
        return self._data[self.at - size : self.at]

    def number(self, kind: str) -> Any:
        """The next number, as Python's own."""
        return np.frombuffer(self.take(np.dtype(kind).itemsize).tobytes(), dtype=kind)[0].item()

    def text(self) -> str:
        """The next text."""
        return self.take(self.number("<u8")).tobytes().decode()

    def value(self, kind: int) -> Any:
        """The next value of a type; lists of numbers are arrays, other lists are Python's."""
        if kind == _TEXT:
            return self.text()
        if kind != _LIST:
            value = self.number(_NUMBERS[kind])
            return bool(value) if kind == _TRUTH else value
        element, count = self.number("<u4"), self.number("<u8")
        if element in _NUMBERS:
            # A copy: the bytes need not be aligned.
            return self.take(count * np.dtype(_NUMBERS[element]).itemsize).copy().view(_NUMBERS[element])
        return self._texts(count) if element == _TEXT else [self.value(element) for _ in range(count)]

    def _texts(self, count: int) -> list[str]:
        """Texts, many: a vocabulary has hundreds of thousands, so they are cut from one copy of the bytes."""
        rest = self._data[self.at :].data
        texts, place = [], 0
        unpack = struct.Struct("<Q").unpack_from
        for _ in range(count):
            if place + 8 > len(rest):
                raise EOFError
            end = place + 8 + unpack(rest, place)[0]
            if end > len(rest):
                raise EOFError
            texts.append(str(rest[place + 8 : end], "utf-8"))
            place = end
        self.at += place
        return texts
