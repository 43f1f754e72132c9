"""Errors of the system beneath: a full disk or output, a place that cannot be written."""

from __future__ import annotations

import errno

from token_difr.errors import NO_SPACE

__all__ = ["is_closed_pipe", "system_message"]

OF_A_PLACE = NO_SPACE | {
    *(errno.EACCES, errno.EPERM, errno.EROFS, errno.EISDIR, errno.ENOTDIR, errno.ENAMETOOLONG, errno.EMFILE, errno.EIO)
}
"""What is wrong with a place that the user chose."""


def is_closed_pipe(error: BaseException | None) -> bool:
    """Whether whoever read standard output has closed it."""
    return _first(error, {errno.EPIPE}) is not None


def system_message(error: BaseException) -> str | None:
    """What the system refused, where, and what becomes of the work; None where the system is not to blame."""
    found = _first(error, NO_SPACE) or _first(error, OF_A_PLACE)
    if found is None or (found.filename is None and found.errno not in NO_SPACE):
        return None
    where = "standard output" if found.filename is None else found.filename
    space = "no space left: " if found.errno in NO_SPACE else ""
    kept = "; what is in run directories and caches is kept, and the same command goes on from there" if space else ""
    return f"{space}cannot write {where} ({found.strerror}){kept}"


def _first(error: BaseException | None, numbers: frozenset[int] | set[int]) -> OSError | None:
    while error is not None:
        if isinstance(error, OSError) and error.errno in numbers:
            return error
        error = error.__cause__ or error.__context__
    return None
