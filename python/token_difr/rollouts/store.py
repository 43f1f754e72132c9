"""One SQLite file that several processes and threads share, served by one thread of this process.

What waits at the same time goes into one transaction, so that each answer is committed as it arrives and many at once
cost little.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import queue
import socket
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

from token_difr.errors import InputError

__all__ = ["Store", "StoreError"]

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], Any]
Item = tuple[Work, Future[Any]] | None
"""Work and where its result goes; None = the end."""
Waiting = queue.SimpleQueue[Item]

BUSY_SECONDS = 120.0
"""How long a transaction waits for those of other processes."""
VERSION = 1
SCHEMA = """
CREATE TABLE IF NOT EXISTS answers (
    key BLOB PRIMARY KEY, model TEXT NOT NULL, url TEXT NOT NULL, created REAL NOT NULL,
    request TEXT NOT NULL, answer TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS claims (
    key BLOB PRIMARY KEY, owner TEXT NOT NULL, host TEXT NOT NULL, process INTEGER NOT NULL, expires REAL NOT NULL
);
"""
APPLICATION_ID = 0x544F4B44
"""Marks the file as ours ("TOKD")."""


class StoreError(InputError):
    """A cache file that is not ours, of a newer version, damaged, or not writable; names it."""


class Store:
    """The file.

    Args:
        path: The file; made with its folders, once there is something to do.
        upkeep: Work that is done every so often.
        every: So many seconds.
        is_idle: Whether there is nothing to keep up: the thread then ends, until there is something to do again.
    """

    def __init__(self, path: Path, *, upkeep: Work, every: float, is_idle: Callable[[], bool]) -> None:
        self.path = path
        self._is_idle = is_idle
        self.host = socket.gethostname()
        self._upkeep = upkeep
        self._every = every
        self._queue: Waiting = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._file = (0, 0)
        self._process = 0
        self._lock = threading.Lock()

    def submit(self, work: Callable[[sqlite3.Connection], T]) -> Future[T]:
        """Run ``work`` in a transaction; the future ends once it is committed, or with a ``StoreError``."""
        future: Future[T] = Future()
        with self._lock:
            # A fork has no threads.
            if self._thread is None or self._process != os.getpid() or not self._thread.is_alive():
                self._start()
            self._queue.put((work, future))
        return future

    def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """The same, waited for."""
        return self.submit(work).result()

    def close(self) -> None:
        """Finish what is waiting and close the file; the next ``submit`` opens it again."""
        with self._lock:
            thread, self._thread = self._thread, None
            atexit.unregister(self.close)
            if thread is None or self._process != os.getpid():
                return
            self._queue.put(None)
        thread.join()  # without the lock: the thread's last callbacks may submit

    def _start(self) -> None:
        self._queue = queue.SimpleQueue()
        self._process = os.getpid()
        self._thread = threading.Thread(target=self._serve, args=(self._queue,), name="token-difr-cache", daemon=True)
        self._thread.start()
        atexit.register(self.close)  # what waits to be stored was paid for

    def _serve(self, waiting: Waiting) -> None:
        """Open the file and do what comes, until the end is asked for."""
        try:
            connection = self._opened()
        except (StoreError, OSError, sqlite3.Error) as error:
            self._refuse(waiting, error if isinstance(error, StoreError) else StoreError(f"{self.path}: {error}"))
            return
        looked, ended = time.monotonic(), False
        try:
            while not ended:
                try:
                    items = [waiting.get(timeout=self._every), *taken(waiting)]
                except queue.Empty:
                    ended = self._end_if_idle(waiting)
                    items = []
                else:
                    connection = self._on_disk(connection)
                    ended = self._transaction(connection, items)
                if time.monotonic() - looked > self._every:
                    looked = time.monotonic()
                    self._transaction(connection, [(self._upkeep, Future())])
        finally:
            connection.close()

    def _on_disk(self, connection: sqlite3.Connection) -> sqlite3.Connection:
        """The connection, or a new one where somebody has deleted the file, or put another one in its place."""
        try:
            there = self.path.stat()
            if (there.st_dev, there.st_ino) == self._file:
                return connection
        except OSError:
            pass
        connection.close()
        return self._opened()

    def _opened(self) -> sqlite3.Connection:
        connection = opened_file(self.path)
        there = self.path.stat()
        self._file = (there.st_dev, there.st_ino)
        return connection

    def _end_if_idle(self, waiting: Waiting) -> bool:
        """Whether the thread may end: a client that nobody uses any more keeps neither thread nor file."""
        with self._lock:
            if not waiting.empty() or not self._is_idle():
                return False
            if self._thread is threading.current_thread():
                self._thread = None
                atexit.unregister(self.close)
            return True

    def _refuse(self, waiting: Waiting, error: StoreError) -> None:
        """All that came gets the reason; the next that comes tries the file again."""
        with self._lock:
            if self._thread is threading.current_thread():
                self._thread = None
                atexit.unregister(self.close)
            items = taken(waiting)
        for item in items:
            if item is not None and item[1].set_running_or_notify_cancel():
                item[1].set_exception(error)

    def _transaction(self, connection: sqlite3.Connection, items: list[Item]) -> bool:
        """All of ``items`` in one transaction; True if the end was among them."""
        # Work whose caller has left is not begun; from here on a future cannot be cancelled.
        begun = [item for item in items if item is not None and item[1].set_running_or_notify_cancel()]
        done: list[Callable[[], None]] = []
        try:
            connection.execute("BEGIN IMMEDIATE")
            done = [_worked(connection, work, future) for work, future in begun]
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            for _, future in begun:
                future.set_exception(StoreError(f"{self.path}: {error}"))
            return None in items
        for tell in done:
            tell()
        return None in items


def _worked(connection: sqlite3.Connection, work: Work, future: Future[Any]) -> Callable[[], None]:
    """Do one thing; what tells its caller of the end. What fails undoes itself, and nothing that others wrote."""
    connection.execute("SAVEPOINT item")
    try:
        value = work(connection)
    except Exception as error:  # noqa: BLE001  # whatever it is, it is told to whoever asked for it
        connection.execute("ROLLBACK TO item")
        reason = StoreError(f"the cache: {error}") if isinstance(error, sqlite3.Error) else error
        return lambda: future.set_exception(reason)
    finally:
        connection.execute("RELEASE item")
    return lambda: future.set_result(value)


def taken(waiting: Waiting) -> list[Item]:
    """All that waits by now."""
    found = []
    with contextlib.suppress(queue.Empty):
        while True:
            found.append(waiting.get_nowait())
    return found


def opened_file(path: Path) -> sqlite3.Connection:
    """A connection to the file, which is made if there is none.

    Raises:
        StoreError: It is no cache of ours, or of a newer version.
        OSError: It cannot be made.
        sqlite3.Error: It cannot be opened.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Answers are their owner's alone; SQLite gives the files beside it the modes of this one.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    with contextlib.suppress(PermissionError):  # another user's
        path.chmod(0o600)
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
    try:
        _prepare(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    _patiently(lambda: connection.execute("PRAGMA journal_mode=WAL").fetchall())
    connection.execute("PRAGMA synchronous=NORMAL")  # a killed process loses nothing that was committed
    connection.execute("BEGIN IMMEDIATE")
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application not in {0, APPLICATION_ID} or (application == 0 and tables):
        connection.execute("ROLLBACK")
        raise StoreError(f"{path} is a database of something else: give another cache_dir")
    if version > VERSION:
        connection.execute("ROLLBACK")
        raise StoreError(f"{path} was written by a newer version of token-difr: update it, or give another cache_dir")
    for statement in SCHEMA.split(";"):
        connection.execute(statement)
    connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version={VERSION}")
    connection.execute("COMMIT")


def _patiently(work: Callable[[], object]) -> None:
    """Switching to WAL does not wait for others that do so too: it is done again until it holds."""
    until = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            work()
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(0.01)
        else:
            return
