"""The one thread that runs the model for everybody.

A turn is at most one chunk of one prompt and one token for every running sequence. So between two tokens a sequence
waits for one chunk and one step, however many prompts are in the queue; and a prompt of n tokens is fed in
ceil(n / chunk) turns, however many sequences run. Prompts are fed in the order of the queue, and only while the batch
has a place for one more: what is fed can always join.

Only this thread touches the batch and the prompt that is being fed, so neither is locked. What crosses threads is the
queue, under a condition, and the sequences: one writer (``Generation``), readers that tolerate being a token behind.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque

import numpy as np
from numpy.typing import NDArray

from token_difr.engine import Engine
from token_difr.engine.chunk_size import default_chunk_size
from token_difr.server.generation.decode_batch import DecodeBatch
from token_difr.server.generation.generation import FinishReason, Generation
from token_difr.server.generation.logprob_rows import LogprobRows, chosen_logprobs, logprob_rows
from token_difr.server.generation.prefill import Prefill
from token_difr.server.generation.prefix_cache import PrefixCache
from token_difr.server.generation.sampling.masks import NoTokenLeftError

__all__ = ["QueueFullError", "Scheduler", "SchedulerStoppedError"]

_logger = logging.getLogger("token_difr.server")


class QueueFullError(Exception):
    """As many sequences wait as the queue holds."""


class SchedulerStoppedError(Exception):
    """The server is shutting down and takes no more work."""


class Scheduler:
    """Continuous batching: between two decode steps prompts are fed, and sequences join and leave.

    Args:
        engine: Runs the model.
        max_batch: Sequences that are generated at once.
        max_queue: Sequences that may wait.
        chunk_size: Prompt tokens of one pass; between two passes the running sequences take a step. None = by the
            vocabulary (:func:`~token_difr.engine.chunk_size.default_chunk_size`).
        prefix_cache_bytes: Size of the prompt beginnings that are kept for later prompts.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        max_batch: int = 32,
        max_queue: int = 1024,
        chunk_size: int | None = None,
        prefix_cache_bytes: int = 64 * 2**20,
    ) -> None:
        self._engine = engine
        self._max_batch = max_batch
        self.max_queue = max_queue
        self._chunk_size = chunk_size or default_chunk_size(engine.vocabulary_size)
        self._known = PrefixCache(self._chunk_size, prefix_cache_bytes)
        self._waiting: deque[Generation] = deque()
        self._prefill: Prefill | None = None
        self._batch = DecodeBatch(engine)
        self._changed = threading.Condition()
        self._stopping = False
        self._abandoned = False
        self._thread = threading.Thread(target=self._run, name="token-difr-scheduler", daemon=True)

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Finishes what was submitted, then ends the thread."""
        self.drain()
        self._thread.join()

    def drain(self) -> None:
        """Takes no more work and goes on with what there is; returns at once."""
        with self._changed:
            self._stopping = True
            self._changed.notify()

    def abandon(self, *, patience: float) -> None:
        """Takes no more work and ends what there is with :class:`SchedulerStoppedError`.

        Args:
            patience: Seconds to wait for the thread, which ends after the pass that it is in.
        """
        with self._changed:
            self._stopping = self._abandoned = True
            left = [*self._waiting, *self._in_work()]
            self._waiting.clear()
            self._changed.notify()
        # Those in work here too, and not by the thread alone: its pass may take long, and nobody waits for what it gives.
        _fail(left, SchedulerStoppedError("the server is shutting down"))
        if self._thread.is_alive():
            self._thread.join(patience)

    def submit(self, *generations: Generation) -> None:
        """Queues sequences, all of them or none.

        Raises:
            QueueFullError: They do not all fit into the queue.
            SchedulerStoppedError: After :meth:`stop`.
        """
        with self._changed:
            if self._stopping:
                raise SchedulerStoppedError("the server is shutting down")
            if len(self._waiting) + len(generations) > self.max_queue:
                raise QueueFullError(f"{len(self._waiting)} sequences are waiting already")
            self._waiting.extend(generations)
            self._changed.notify()

    @property
    def accepting(self) -> bool:
        """Whether :meth:`submit` takes work that will be done."""
        return self._thread.is_alive() and not self._stopping

    @property
    def waiting(self) -> int:
        """Sequences in the queue."""
        return len(self._waiting)

    @property
    def running(self) -> int:
        """Sequences that are being generated, the one whose prompt is being fed included."""
        return len(self._batch) + (self._prefill is not None)

    def _run(self) -> None:
        while self._wait_for_work():
            self._turn()
        _fail(self._in_work(), SchedulerStoppedError("the server is shutting down"))

    def _wait_for_work(self) -> bool:
        with self._changed:
            while not (self._waiting or self._prefill or len(self._batch)) and not self._abandoned:
                if self._stopping:
                    return False
                self._changed.wait()
            return not self._abandoned

    def _turn(self) -> None:
        """One chunk of a prompt, if any, and one token for every running sequence."""
        try:
            self._feed_prompt()
            if len(self._batch):
                self._decode()
        except Exception as error:
            _logger.exception("a pass of the model failed")
            self._fail_all(error)

    def _feed_prompt(self) -> None:
        if self._prefill is None and len(self._batch) < self._max_batch:
            self._prefill = self._next_prefill()
        prefill = self._prefill
        if prefill is None:
            return
        if prefill.generation.cancelled:
            self._prefill = None
            prefill.generation.finish(FinishReason.STOP)
            return
        prefill.advance()
        if prefill.done:
            # Not before it has begun: a sequence must always be found where a failure looks for it.
            self._begin(prefill)
            self._prefill = None

    def _next_prefill(self) -> Prefill | None:
        while self._waiting:
            generation = self._waiting.popleft()
            if generation.cancelled:
                generation.finish(FinishReason.STOP)
                continue
            return self._open(generation)
        return None

    def _open(self, generation: Generation) -> Prefill:
        generation.times["started"] = time.monotonic()
        prefill = Prefill(generation, self._engine, self._chunk_size, self._known)
        generation.cached_tokens = prefill.cached_tokens
        return prefill

    def _begin(self, prefill: Prefill) -> None:
        """The first token comes from the prompt's last logits; the sequence joins the batch if it goes on."""
        generation = prefill.generation
        generation.times["prefilled"] = time.monotonic()
        if not generation.spec.max_tokens:
            generation.finish(FinishReason.LENGTH)
            return
        logits, cache = prefill.finish()
        _take_tokens([generation], logits[None])
        if not generation.done:
            self._batch.join(generation, cache)

    def _decode(self) -> None:
        for generation in self._batch.generations:
            if generation.cancelled:
                generation.finish(FinishReason.STOP)
        self._batch.drop_finished()
        if not len(self._batch):
            return
        _take_tokens(self._batch.generations, self._batch.step())
        self._batch.drop_finished()

    def _fail_all(self, error: Exception) -> None:
        affected = self._in_work()
        self._prefill, self._batch = None, DecodeBatch(self._engine)
        _fail(affected, error)

    def _in_work(self) -> list[Generation]:
        prefill = self._prefill
        return [*self._batch.generations, *([] if prefill is None else [prefill.generation])]


def _fail(generations: list[Generation], error: Exception) -> None:
    for generation in generations:
        if not generation.done:
            generation.fail(error)


def _take_tokens(generations: list[Generation], logits: NDArray[np.float32]) -> None:
    """Every sequence takes its next token from its row of logits; one whose request rules out all tokens fails alone."""
    tokens = _choices(generations, logits)
    logits = logits[list(tokens)]
    generations = [generations[place] for place in tokens]
    _append(generations, logits, list(tokens.values()))


def _choices(generations: list[Generation], logits: NDArray[np.float32]) -> dict[int, int]:
    """The next token of every sequence that has one, by its place in the batch."""
    tokens = {}
    for place, (generation, row) in enumerate(zip(generations, logits, strict=True)):
        try:
            tokens[place] = generation.choose(row)
        except NoTokenLeftError as error:
            generation.fail(error)
    return tokens


def _append(generations: list[Generation], logits: NDArray[np.float32], tokens: list[int]) -> None:
    rows = _token_rows(generations, logits, tokens)
    for index, (generation, token) in enumerate(zip(generations, tokens, strict=True)):
        if index in rows and generation.spec.chosen_ids:
            generation.chosen_in_output += list(chosen_logprobs(logits[index : index + 1], generation.spec.chosen_ids))
        generation.append(token, rows.get(index))


def _token_rows(
    generations: list[Generation], logits: NDArray[np.float32], tokens: list[int]
) -> dict[int, LogprobRows]:
    """The logprobs of those sequences that asked for them, by their place in the batch."""
    asked = [(index, g.spec.logprobs) for index, g in enumerate(generations) if g.spec.logprobs is not None]
    if not asked:
        return {}
    places = [index for index, _ in asked]
    ids = np.array([tokens[index] for index in places], dtype=np.int64)
    rows = logprob_rows(logits[places], ids, max(k for _, k in asked))
    return {place: rows[at : at + 1].narrow(k) for at, (place, k) in enumerate(asked)}
