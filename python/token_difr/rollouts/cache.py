"""The cache of the rollouts client: answers by the request that they answer.

The key is the whole request (:meth:`~token_difr.rollouts.requests.PromptRequests.key`), so that two requests that differ in anything
have two answers. What is stored is the provider's answer as it came; samples are read off it anew each time. An API key
is no part of a request's body: it is in no key, no row and no file.

A request in flight holds a *claim*, so that processes which share the file do not ask the same twice. A claim lives for
a short lease, which its process renews; that of a process that is no more counts for nothing at once.
"""

from __future__ import annotations

import itertools
import json
import os
import secrets
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from token_difr.rollouts.store import Store

__all__ = ["CACHE_FILE", "Claim", "RolloutCache"]

CACHE_FILE = "rollouts.sqlite3"
LEASE_SECONDS = 60.0
"""How long a claim lives without renewal: where another host, or a process with the number of a dead one, holds it."""
RENEWAL_SECONDS = 15.0
MOST_AT_ONCE = 500
"""Keys that one statement looks up."""

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Claim:
    """What became of an attempt to claim a key.

    Attributes:
        answer: The answer, if there is one by now.
        owner: Whose the request is now to send: for :meth:`RolloutCache.release`; None = it is another's, in flight.
    """

    answer: Body | None
    owner: str | None


class RolloutCache:
    """Answers in one SQLite file, ``rollouts.sqlite3``, in a folder.

    Safe for several threads and processes. Nothing here runs on the caller's thread but waiting.

    Args:
        folder: The folder; made if there is none.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        self._store = Store(
            self.folder / CACHE_FILE, upkeep=self._renew, every=RENEWAL_SECONDS, is_idle=self._holds_none
        )
        self._claims = itertools.count()
        self._held: dict[bytes, str] = {}
        """Our claims, by key."""
        self._name = ""
        self._process = 0

    def look_up(self, keys: Sequence[bytes]) -> Future[dict[bytes, Body]]:
        """The answers that are there, by key."""
        return self._store.submit(lambda connection: _found(connection, keys))

    def claim(self, key: bytes) -> Future[Claim]:
        """Claim a request; or find its answer, if another process was faster."""
        owner = self._new_owner()

        def work(connection: sqlite3.Connection) -> Claim:
            found = _found(connection, [key])
            if found:
                return Claim(found[key], owner=None)
            row = connection.execute(
                "SELECT owner, host, process, expires FROM claims WHERE key = ?", (key,)
            ).fetchone()
            if row is not None and self._is_live(key, *row):
                return Claim(None, owner=None)
            claim = (key, owner, self._store.host, os.getpid(), time.time() + LEASE_SECONDS)
            connection.execute("INSERT OR REPLACE INTO claims VALUES (?, ?, ?, ?, ?)", claim)
            self._held[key] = owner
            return Claim(None, owner=owner)

        claiming = self._store.submit(work)
        claiming.add_done_callback(lambda done: self._forget_failed(key, owner, done))
        return claiming

    def keep(self, key: bytes, *, model: str, url: str, request: Mapping[str, Any], answer: Body) -> Future[None]:
        """Store an answer; the first one stays. The claim ends."""
        row = (key, model, url, time.time(), _dumped(request), _dumped(answer))

        def work(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT OR IGNORE INTO answers VALUES (?, ?, ?, ?, ?, ?)", row)
            connection.execute("DELETE FROM claims WHERE key = ?", (key,))

        keeping = self._store.submit(work)
        keeping.add_done_callback(lambda _: self._held.pop(key, None))  # stored or not, it is in flight no more
        return keeping

    def release(self, key: bytes, owner: str) -> Future[None]:
        """End a claim without an answer."""

        def work(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM claims WHERE key = ? AND owner = ?", (key, owner))

        releasing = self._store.submit(work)
        releasing.add_done_callback(lambda _: self._forget(key, owner))
        return releasing

    def _new_owner(self) -> str:
        """Names one attempt: two tasks of a process are two owners, and a forked process has claims of its own."""
        if self._process != os.getpid():
            self._process, self._name = os.getpid(), secrets.token_hex(8)
            self._held.clear()
        return f"{self._name}:{next(self._claims)}"

    def _forget(self, key: bytes, owner: str) -> None:
        if self._held.get(key) == owner:
            del self._held[key]

    def _forget_failed(self, key: bytes, owner: str, claiming: Future[Claim]) -> None:
        if claiming.cancelled() or claiming.exception() is not None:
            self._forget(key, owner)

    def _holds_none(self) -> bool:
        return not self._held

    def _is_live(self, key: bytes, owner: str, host: str, process: int, expires: float) -> bool:
        """Whether a claim still holds."""
        if process == os.getpid() and owner.startswith(f"{self._name}:"):
            return self._held.get(key) == owner
        return expires > time.time() and (host != self._store.host or _lives(process))

    def _renew(self, connection: sqlite3.Connection) -> None:
        expires = time.time() + LEASE_SECONDS
        rows = [(expires, key, owner) for key, owner in list(self._held.items())]
        connection.executemany("UPDATE claims SET expires = ? WHERE key = ? AND owner = ?", rows)

    def stats(self) -> dict[str, Any]:
        """Number of answers, by model too, when the first and the last came (seconds since 1970), and the file's bytes."""

        def work(connection: sqlite3.Connection) -> dict[str, Any]:
            count, first, last = connection.execute(
                "SELECT count(*), min(created), max(created) FROM answers"
            ).fetchone()
            models = connection.execute("SELECT model, count(*) FROM answers GROUP BY model ORDER BY model").fetchall()
            return {"answers": count, "by_model": dict(models), "first": first, "last": last}

        found = self._store.run(work)
        return {"path": str(self._store.path), "bytes": self._store.path.stat().st_size, **found}

    def export(self, to: TextIO) -> int:
        """Write every answer as a line of JSON, ``{"key", "model", "url", "created", "request", "answer"}``.

        Returns:
            Their number.
        """
        count = 0
        for count, row in enumerate(self._rows(), start=1):  # noqa: B007  # the last number is the count
            to.write(json.dumps(row) + "\n")
        return count

    def clear(self, *, model: str | None = None, older_than_days: float | None = None) -> int:
        """Delete answers, all of them unless limited.

        Returns:
            Their number.
        """
        conditions, values = ["1"], list[Any]()
        if model is not None:
            conditions.append("model = ?")
            values.append(model)
        if older_than_days is not None:
            conditions.append("created < ?")
            values.append(time.time() - older_than_days * 86400)
        statement = f"DELETE FROM answers WHERE {' AND '.join(conditions)}"  # noqa: S608  # our own words
        return self._store.run(lambda connection: connection.execute(statement, values).rowcount)

    def close(self) -> None:
        """Finish what is waiting and close the file; the next use opens it again."""
        self._store.close()

    def _rows(self) -> Iterator[dict[str, Any]]:
        last = b""
        while rows := self._store.run(lambda connection, after=last: _page(connection, after)):  # type: ignore[misc]
            for key, model, url, created, request, answer in rows:
                yield {
                    "key": key.hex(),
                    "model": model,
                    "url": url,
                    "created": created,
                    "request": json.loads(request),
                    "answer": json.loads(answer),
                }
            last = rows[-1][0]


def _page(connection: sqlite3.Connection, after: bytes) -> list[Any]:
    return connection.execute("SELECT * FROM answers WHERE key > ? ORDER BY key LIMIT 200", (after,)).fetchall()


def _found(connection: sqlite3.Connection, keys: Sequence[bytes]) -> dict[bytes, Body]:
    found: dict[bytes, Body] = {}
    for start in range(0, len(keys), MOST_AT_ONCE):
        part = keys[start : start + MOST_AT_ONCE]
        marks = ",".join("?" * len(part))
        rows = connection.execute(f"SELECT key, answer FROM answers WHERE key IN ({marks})", part)  # noqa: S608
        for key, answer in rows.fetchall():
            try:
                found[key] = json.loads(answer)
            except ValueError:  # somebody has damaged it: it has to be asked for anew
                connection.execute("DELETE FROM answers WHERE key = ?", (key,))
    return found


def _lives(process: int) -> bool:
    """Whether there is a process of that number."""
    if os.name != "posix":  # elsewhere signal 0 would end it
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it is another user's
        return True
    return True


def _dumped(value: Mapping[str, Any]) -> str:
    """JSON without spaces; half surrogate pairs stay escaped, since SQLite's text is UTF-8."""
    return json.dumps(value, separators=(",", ":"))
