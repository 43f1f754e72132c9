"""Archives of others: nothing is written outside of the place that is given, and nothing that has no end."""

from __future__ import annotations

import contextlib
import io
import stat
import struct
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from token_difr.untrusted import is_plain_path, unpack_zip
from token_difr.untrusted.archives import FREE_BYTES, MOST_MEMBERS, check_sizes


def zipped(*members: tuple[str | zipfile.ZipInfo, bytes], kind: int = zipfile.ZIP_DEFLATED) -> bytes:
    """An archive of these."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", kind) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return buffer.getvalue()


def unpacked(data: bytes, folder: Path) -> list[str]:
    """What comes out of an archive in a folder of its own."""
    (folder / "a.zip").write_bytes(data)
    (folder / "into").mkdir(exist_ok=True)
    return unpack_zip(folder / "a.zip", folder / "into", lambda name: not name.startswith("refused"))


def with_size(data: bytes, size: int) -> bytes:
    """An archive of one member that states another size than it has."""
    place = data.index(b"PK\x01\x02")
    edited = bytearray(data)
    struct.pack_into("<I", edited, place + 24, size)
    struct.pack_into("<I", edited, 22, size)
    return bytes(edited)


def with_count(data: bytes, count: int) -> bytes:
    """An archive that states another number of members than it has."""
    edited = bytearray(data)
    struct.pack_into("<HH", edited, len(data) - 14, count, count)
    return bytes(edited)


def of_mode(mode: int, name: str = "a") -> zipfile.ZipInfo:
    """A member that says what kind of file it is."""
    member = zipfile.ZipInfo(name)
    member.create_system, member.external_attr = 3, mode << 16
    return member


def test_what_is_plain_is_unpacked(tmp_path: Path) -> None:
    """As files of their owner alone."""
    assert unpacked(zipped(("a/b/c.json", b"1"), ("a/ä b", b"")), tmp_path) == ["a/b/c.json", "a/ä b"]
    assert (tmp_path / "into" / "a" / "b" / "c.json").read_bytes() == b"1"
    assert (tmp_path / "into" / "a" / "ä b").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "name",
    [
        "../a", "a/../../b", "/a", "//a", "a//b", "./a", "a/.", "C:/a", "C:a", "a\\b", "..\\a", "\\\\host\\a", "a/", "", "a\nb",
        "a\x1b[31m", "a\u202eb", "a\u2028b", "a.", "a ", "a./b", "con", "a/NUL.txt", "com1", "a:b", "a?", "a*", "x" * 401, "\ud800",
    ],
)  # fmt: skip
def test_names_that_lead_elsewhere(name: str) -> None:
    """On this system or on any other."""
    assert not is_plain_path(name)


@pytest.mark.parametrize("name", ["../a", "/a", "a/../../b", "a\\..\\b", "refused", "a/", "con"])
def test_archives_with_such_names(tmp_path: Path, name: str) -> None:
    """Are refused before a file of them is written."""
    with pytest.raises(ValueError, match="name"):
        unpacked(zipped(("fine", b"1"), (name, b"2")), tmp_path)
    assert list((tmp_path / "into").iterdir()) == []


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (b"", "no zip"),
        (b"PK", "no zip"),
        (b"x" * 1000, "no zip"),
        (zipped(("a", b"1")) + b"behind", "behind its end"),
        (b"before" + zipped(("a", b"1")), "its end"),
        (zipped(("a", b"1"), ("A", b"2")), "same name"),
        (zipped(("a", b"1"), ("a/b", b"2")), "that of a folder"),
        (zipped(("\u00e4", b"1"), ("a\u0308", b"2")), "same name"),
        (zipped((of_mode(stat.S_IFLNK | 0o777), b"/etc/passwd")), "link"),
        (zipped((of_mode(stat.S_IFDIR | 0o777), b"")), "folder"),
        (zipped((of_mode(stat.S_IFIFO | 0o777), b"")), "device"),
        (zipped(("a", b"1"), kind=zipfile.ZIP_BZIP2), "another way"),
        (zipped(("a", b"1"), kind=zipfile.ZIP_LZMA), "another way"),
        (with_size(zipped(("a", b"1")), 2 * FREE_BYTES), "more than 50 times"),
        (with_count(zipped(("a", b"1")), MOST_MEMBERS + 1), "too many"),
        (zipped(("a" * 40_000, b"")), "too long names"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_refused(tmp_path: Path, data: bytes, named: str) -> None:
    """Says why, and leaves nothing."""
    with pytest.raises(ValueError, match=named):
        unpacked(data, tmp_path)
    assert list((tmp_path / "into").iterdir()) == []


@pytest.mark.parametrize(
    "data",
    [
        with_size(zipped(("a", bytes(5_000_000))), 10),  # unpacks to more than it says
        with_size(zipped(("a", b"1" * 100)), 90_000),
        zipped(("a", b"1" * 100)).replace(b"PK\x03\x04", b"PK\x03\x05"),
        zipped(("a", b"1" * 100), kind=zipfile.ZIP_STORED).replace(b"1" * 100, b"1" * 99 + b"2"),
    ],
    ids=("more", "less", "no header", "another checksum"),
)
def test_what_is_not_as_it_says(tmp_path: Path, data: bytes) -> None:
    """Is damaged; no more is written than was stated."""
    with pytest.raises(ValueError, match=r"."):
        unpacked(data, tmp_path)
    assert sum(file.stat().st_size for file in (tmp_path / "into").glob("*")) <= 100


def test_limits() -> None:
    """Stand before anything is read."""
    check_sizes([FREE_BYTES], 1)
    for sizes, archive in (([0] * (MOST_MEMBERS + 1), 1), ([2**31], 2**30), ([FREE_BYTES + 100], 1), ([1], 2**31)):
        with pytest.raises(ValueError, match=r"it has|a file in it has|unpack to"):
            check_sizes(sizes, archive)


@given(edits=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), min_size=1, max_size=8))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_bytes_of_any_kind(tmp_path: Path, edits: list[tuple[int, int]]) -> None:
    """Are unpacked or refused, and nothing else."""
    data = bytearray(zipped(("a/b", b"content" * 20), ("c", b"more")))
    for place, value in edits:
        data[place % len(data)] = value
    into = tmp_path / "into"
    for file in [*into.glob("**/*")] if into.exists() else []:
        if file.is_file():
            file.unlink()
    with contextlib.suppress(ValueError):
        unpacked(bytes(data), tmp_path)
    assert {file.name for file in tmp_path.iterdir()} <= {"a.zip", "into"}
