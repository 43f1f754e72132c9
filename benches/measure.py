"""How long, how fast at best, and how much memory: the three things that the benchmarks measure."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

__all__ = ["extra_memory", "fastest", "read_bandwidth"]


def fastest(work: Callable[[], object], *, runs: int = 7) -> float:
    """Seconds of the fastest of several runs, after one that warms up: the least disturbed by whatever else runs."""
    work()
    return min(_seconds(work) for _ in range(runs))


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def read_bandwidth(arrays: Sequence[NDArray[np.generic]]) -> float:
    """Bytes a second at which all cores together read these arrays: NumPy sums each core's share of them as integers."""
    cores = os.cpu_count() or 1
    words = [array.view(np.uint8)[: array.nbytes // 8 * 8].view(np.int64) for array in arrays]
    shares = [
        [part for array in words for part in np.array_split(array, cores)[core : core + 1]] for core in range(cores)
    ]
    with ThreadPoolExecutor(cores) as pool:
        seconds = fastest(lambda: list(pool.map(lambda share: [part.sum() for part in share], shares)))
    return sum(array.nbytes for array in words) / seconds


def extra_memory(work: Callable[[], object]) -> int | None:
    """Bytes of resident memory at the peak of ``work`` above those before it; None where the kernel does not tell."""
    status, clear = Path("/proc/self/status"), Path("/proc/self/clear_refs")
    if not (status.exists() and clear.exists()):
        return None
    clear.write_text("5", encoding="ascii")  # sets the peak back to what is resident now
    before = _field(status, "VmRSS")
    work()
    return _field(status, "VmHWM") - before


def _field(status: Path, name: str) -> int:
    lines = dict(line.split(":", 1) for line in status.read_text(encoding="ascii").splitlines())
    return int(lines[name].split()[0]) * 1024
