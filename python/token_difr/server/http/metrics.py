"""Numbers for Prometheus, in a registry of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from token_difr.server.generation import Generation, Scheduler

__all__ = ["ServerMetrics"]

_PREFIX = "token_difr_"


class ServerMetrics:
    """Requests, tokens and the state of the schedulers.

    Args:
        schedulers: Their queues and batches are read when the metrics are.
    """

    def __init__(self, schedulers: Sequence[Scheduler]) -> None:
        self._registry = CollectorRegistry()
        where: dict[str, Any] = {"registry": self._registry}
        self._requests = Counter(f"{_PREFIX}requests", "Requests answered.", ["path", "status"], **where)
        self._seconds = Histogram(
            f"{_PREFIX}request_seconds", "Seconds until the answer is complete.", ["path"], **where
        )
        self._prompt_tokens = Counter(f"{_PREFIX}prompt_tokens", "Tokens of prompts.", **where)
        self._output_tokens = Counter(f"{_PREFIX}output_tokens", "Tokens generated.", **where)
        self._failed_streams = Counter(f"{_PREFIX}failed_streams", "Streams that ended with an error event.", **where)
        waiting = Gauge(f"{_PREFIX}waiting_sequences", "Sequences in the queue.", **where)
        running = Gauge(f"{_PREFIX}running_sequences", "Sequences in the batch.", **where)
        waiting.set_function(lambda: sum(scheduler.waiting for scheduler in schedulers))
        running.set_function(lambda: sum(scheduler.running for scheduler in schedulers))

    def count_request(self, path: str, status: int, seconds: float) -> None:
        """One answer; ``path`` is a route's template, so that the number of series is bounded."""
        self._requests.labels(path, status).inc()
        self._seconds.labels(path).observe(seconds)

    def count_failed_stream(self) -> None:
        """A stream that ended with an error event: its status was 200."""
        self._failed_streams.inc()

    def count_tokens(self, generations: Sequence[Generation]) -> None:
        """The tokens of one request."""
        self._prompt_tokens.inc(sum(len(generation.spec.prompt) for generation in generations))
        self._output_tokens.inc(sum(len(generation.output) for generation in generations))

    def text(self) -> bytes:
        """Everything, in Prometheus' text format."""
        return bytes(generate_latest(self._registry))
