"""What hostile requests cost the server in memory: ``python scripts/hostile_requests.py``.

Sends, one at a time and then eight at once: a gzip body of a gigabyte, bodies without an end, bodies that become many objects,
long texts to tokenize, conversations that never fit. Prints the largest resident memory above that at rest, and exits with 1
where it is above the limits below, or where the server does not answer afterwards. Linux alone.
"""

from __future__ import annotations

import socket
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import httpx2

from demo_server import demo_server

LIMITS = {1: 150e6, 8: 250e6}
"""Requests at once -> bytes above rest. What the server takes of eight is in memory together."""
SENDING_SECONDS = 3.0
PATIENCE_SECONDS = 60.0
LARGE = 15 * 2**20
Parts = Callable[[], Iterator[bytes]]


def announced(content: bytes, path: str = "/v1/completions", *, headers: str = "") -> Parts:
    """A body that says how long it is."""
    return lambda: iter([_head(path, f"content-length: {len(content)}\r\n{headers}"), content])


def bomb() -> Parts:
    """A gigabyte in a megabyte."""
    compressor, block = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16), bytes(2**20)
    content = b"".join([*(compressor.compress(block) for _ in range(1000)), compressor.flush()])
    return announced(content, headers="content-encoding: gzip\r\n")


def without_end(path: str = "/v1/completions") -> Iterator[bytes]:
    """Chunks until the time is over."""
    end, chunk = time.monotonic() + SENDING_SECONDS, b"10000\r\n" + b" " * 2**16 + b"\r\n"
    yield _head(path, "transfer-encoding: chunked\r\n")
    while time.monotonic() < end:
        yield chunk


def _head(path: str, headers: str) -> bytes:
    return f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n{headers}\r\n".encode()


def repeated(before: bytes, unit: bytes, after: bytes, *, size: int = LARGE) -> bytes:
    """As many units as fit."""
    return before + unit * ((size - len(before) - len(after)) // len(unit)) + after


KINDS: dict[str, Parts] = {
    "a gigabyte of gzip": bomb(),
    "a body without an end": without_end,
    "objects": announced(repeated(b'{"prompt": [', b"{},", b"5]}")),
    "lists of ids": announced(repeated(b'{"prompt": [', b"[5],", b"[5]]}")),
    "ids": announced(repeated(b'{"prompt": [', b"5,", b"5]}")),
    "ids, as many as are taken": announced(b'{"prompt": [' + b"70000," * (2**20 - 1) + b"5]}"),
    "wrong texts": announced(b'{"prompt": ["a"' + b",5" * 10**6 + b"]}"),
    "unknown fields": announced(b'{"prompt": "a"%s}' % b"".join(b',"k%d":0' % n for n in range(60_000))),
    "a text to count": announced(repeated(b'{"prompt": "', b"@%", b'"}'), "/tokenize"),
    "a text to count that is taken": announced(repeated(b'{"prompt": "', b"@%", b'"}', size=2**18), "/tokenize"),
    "a conversation": announced(
        repeated(b'{"messages": [{"role": "user", "content": "', b"a ", b'"}]}'), "/v1/chat/completions"
    ),
    "deep": announced(b"[" * LARGE),
}


def send(url: str, parts: Parts) -> None:
    """Sends a request and reads the beginning of the answer."""
    place = urlsplit(url)
    with suppress(OSError), socket.create_connection((place.hostname, place.port), timeout=PATIENCE_SECONDS) as client:
        with suppress(OSError):
            for part in parts():
                client.sendall(part)
        client.recv(4096)


def resident_bytes(pid: int) -> int:
    """Resident memory of a process."""
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines())
    return int(lines["VmRSS"].split()[0]) * 1024


def peak_of(pid: int, work: Callable[[], None]) -> int:
    """The largest resident memory while ``work`` runs."""
    done, largest = threading.Event(), [resident_bytes(pid)]

    def watch() -> None:
        while not done.wait(0.005):
            largest[0] = max(largest[0], resident_bytes(pid))

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        work()
    finally:
        done.set()
        watching.join()
    return largest[0]


def measure(name: str, at_once: int) -> int:
    """Bytes above rest of a fresh server that is sent one kind of request."""
    with demo_server() as (url, pid):
        ask = {"json": {"prompt": "a b c", "max_tokens": 4}, "timeout": PATIENCE_SECONDS}
        httpx2.post(f"{url}/v1/completions", **ask).raise_for_status()  # type: ignore[arg-type]
        rest = resident_bytes(pid)

        def work() -> None:
            senders = [threading.Thread(target=send, args=(url, KINDS[name])) for _ in range(at_once)]
            for sender in senders:
                sender.start()
            for sender in senders:
                sender.join()

        peak = peak_of(pid, work)
        httpx2.post(f"{url}/v1/completions", **ask).raise_for_status()  # type: ignore[arg-type]
    return peak - rest


def main() -> int:
    """Measures all, reports."""
    is_within = True
    for name in KINDS:
        found = {at_once: measure(name, at_once) for at_once in LIMITS}
        is_within &= all(size < LIMITS[at_once] for at_once, size in found.items())
        print(f"{name:32} " + "  ".join(f"{n} at once {size / 1e6:+4.0f} MB" for n, size in found.items()), flush=True)
    return int(not is_within)


if __name__ == "__main__":
    sys.exit(main())
