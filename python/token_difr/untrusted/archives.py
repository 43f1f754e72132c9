"""Zip archives of others: unpacked into a directory that is ours, within limits, and nowhere else.

All is looked at before the first byte is written, by what the archive says of itself; what is written is bounded by it too, since a
member is read up to the size that was stated and no further. Only the plain form is taken that :mod:`zipfile` writes below 4 GB: no
links, folders, encryption, comments or other kinds of compression, and no second directory hidden in a first one.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path, PurePosixPath

__all__ = [
    "FREE_BYTES",
    "LARGEST_ARCHIVE",
    "LARGEST_MEMBER",
    "MOST_MEMBERS",
    "MOST_TIMES_LARGER",
    "check_sizes",
    "is_plain_path",
    "unpack_zip",
]

LARGEST_ARCHIVE = 2**31 - 1
"""Bytes of a file; from here on zip takes another form, which is not read."""

LARGEST_MEMBER = 2**30
"""Bytes of one member, unpacked."""

MOST_MEMBERS = 10_000

MOST_TIMES_LARGER = 50
"""How many times the archive's bytes its content may have."""

FREE_BYTES = 64 * 2**20
"""Bytes of content that any archive may have, however small it is."""

LONGEST_PATH = 400
LONGEST_ENTRY = 46 + 2 * LONGEST_PATH
"""Bytes of a member's entry in the archive's directory, beyond what any name takes."""

END = struct.Struct("<4s4H2LH")
END_MARK, LARGE_MARK = b"PK\x05\x06", b"PK\x06\x07"
LARGE_LOCATOR = 20
"""Bytes of what stands before the end where the archive has the form for more than 4 GB."""

DAMAGE = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, RuntimeError, ValueError)
"""What zipfile raises at what is no archive, or a damaged one."""

UNNAMABLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?")
"""Names of devices on Windows, in every folder and with any suffix."""


def is_plain_path(name: str) -> bool:
    """Whether a name with "/" in it leads to the same place below a folder on every system, and to no other one."""
    return len(name.encode("utf-8", "replace")) <= LONGEST_PATH and all(map(_is_plain_part, name.split("/")))


def check_sizes(sizes: Iterable[int], archive: int) -> None:
    """Whether an archive may have such members.

    Args:
        sizes: Of its members, in bytes, unpacked.
        archive: Its own, in bytes.

    Raises:
        ValueError: They are too many or too large; says what the limit is.
    """
    each = list(sizes)
    if archive > LARGEST_ARCHIVE:
        raise ValueError(f"it has {archive:,} bytes, and may have {LARGEST_ARCHIVE:,}")
    if len(each) > MOST_MEMBERS:
        raise ValueError(f"it has {len(each):,} files, and may have {MOST_MEMBERS:,}")
    if max(each, default=0) > LARGEST_MEMBER:
        raise ValueError(f"a file in it has {max(each):,} bytes, and may have {LARGEST_MEMBER:,}")
    if sum(each) > FREE_BYTES + MOST_TIMES_LARGER * archive:
        raise ValueError(f"{archive:,} bytes unpack to {sum(each):,}: more than {MOST_TIMES_LARGER} times as many")


def unpack_zip(path: Path, into: Path, allows: Callable[[str], bool]) -> list[str]:
    """Unpack an archive.

    Args:
        path: The archive.
        into: An empty directory that nobody else writes to; all files are made there, for their owner alone.
        allows: Whether a file may have a path, which has "/" in it and is plain.

    Returns:
        The paths of its files, below ``into``.

    Raises:
        ValueError: It is no such archive, or is refused; says why. ``into`` may hold some of it then.
        OSError: It cannot be read, or ``into`` not be written.
    """
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        _check_end(file.read, file.seek, size)
        try:
            with zipfile.ZipFile(file) as archive:
                members = archive.infolist()
                _check_members(members, size, allows)
                for member in members:
                    _unpack(archive, member, into)
        except DAMAGE as error:
            raise ValueError(str(error) or "it is damaged") from error
    return [member.filename for member in members]


def _check_end(read: Callable[[int], bytes], seek: Callable[[int], int], size: int) -> None:
    """Whether the archive's own directory stands right before its end, and is as long as its number of members allows."""
    if size > LARGEST_ARCHIVE:
        raise ValueError(f"it has {size:,} bytes, and may have {LARGEST_ARCHIVE:,}")
    if size < END.size:
        raise ValueError("it is no zip archive")
    seek(max(0, size - END.size - LARGE_LOCATOR))
    tail = read(END.size + LARGE_LOCATOR)
    mark, disk, first_disk, here, members, length, start, comment = END.unpack(tail[-END.size :])
    if mark != END_MARK:
        raise ValueError("it is no zip archive, or has something behind its end")
    if disk or first_disk or here != members or comment or tail.startswith(LARGE_MARK):
        raise ValueError(
            "it is a zip archive of a kind that is not read: in several parts, with a comment, or above 4 GB"
        )
    if start + length != size - END.size:
        raise ValueError("its directory does not stand at its end")
    if members > MOST_MEMBERS or length > members * LONGEST_ENTRY:
        raise ValueError(f"its directory lists {members:,} files in {length:,} bytes: too many, or with too long names")
    seek(0)


def _check_members(members: list[zipfile.ZipInfo], size: int, allows: Callable[[str], bool]) -> None:
    check_sizes((member.file_size for member in members), size)
    names = set[str]()
    for number, member in enumerate(members):
        name, kind = member.filename, stat.S_IFMT(member.external_attr >> 16)
        if member.orig_filename != name or not is_plain_path(name) or not allows(name):
            raise ValueError(f"file {number} in it has a name that no such file has: {name!r}")
        if kind not in {0, stat.S_IFREG}:
            raise ValueError(f"{name} in it is a link, a folder or a device")
        if member.flag_bits & 1 or member.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            raise ValueError(f"{name} in it is encrypted, or packed in another way than deflate")
        names.add(unicodedata.normalize("NFC", name).casefold())
    folders = {str(folder) for name in names for folder in PurePosixPath(name).parents}
    if len(names) != len(members) or names & folders:
        raise ValueError("two files in it have the same name, or one that of a folder")


def _unpack(archive: zipfile.ZipFile, member: zipfile.ZipInfo, into: Path) -> None:
    target = into / member.filename
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    with os.fdopen(descriptor, "wb") as file, archive.open(member) as content:
        shutil.copyfileobj(content, file, 2**20)
        if file.tell() != member.file_size:
            raise ValueError(f"{member.filename} in it has {file.tell():,} bytes, and should have {member.file_size:,}")


def _is_plain_part(part: str) -> bool:
    return (
        part not in {"", ".", ".."}
        and not RESERVED.fullmatch(part)
        and not part.endswith((" ", "."))
        and not any(char in '\\:*?"<>|' or unicodedata.category(char) in UNNAMABLE for char in part)
    )
