"""The scheduler: batches change nothing beyond noise, queues are bounded, leavers are dropped."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from patience import PATIENCE_SECONDS
from token_difr.engine import ForwardPass, KeyValues
from token_difr.engine.chunk_size import default_chunk_size
from token_difr.engine.onnx import OnnxEngine
from token_difr.server.generation import Generation, GenerationSpec, QueueFullError, Scheduler, SchedulerStoppedError
from token_difr.server.generation.prefix_cache import PrefixCache
from token_difr.server.generation.sampling import SamplingSettings
from token_difr.server.model.folder import ModelFolder

GREEDY = SamplingSettings(temperature=0)
NOISE = 1e-4


@pytest.fixture(scope="module")
def engine(folder: ModelFolder) -> OnnxEngine:
    return OnnxEngine(folder.path)


@pytest.fixture(scope="module")
def prompts(folder: ModelFolder, questions: list[list[dict[str, str]]]) -> list[list[int]]:
    assert folder.template is not None
    return [
        folder.tokenizer.encode(folder.template.render(messages), add_special_tokens=False)
        for messages in questions[:64]
    ]


class CountingEngine:
    """Passes everything on and counts the tokens; may be told to wait or to fail."""

    def __init__(self, engine: OnnxEngine) -> None:
        self._engine = engine
        self.tokens = 0
        self.largest_logits = 0
        self.gate = threading.Event()
        self.gate.set()
        self.fail = False

    @property
    def vocabulary_size(self) -> int:
        """Width of the logits."""
        return self._engine.vocabulary_size

    def empty_cache(self) -> KeyValues:
        """Passed on."""
        return self._engine.empty_cache()

    def forward(
        self,
        token_ids: NDArray[np.int64],
        positions: NDArray[np.int64],
        mask: NDArray[np.int64],
        cache: KeyValues,
        *,
        logits_from: int = 0,
    ) -> ForwardPass:
        """Passed on, once the gate is open."""
        assert self.gate.wait(PATIENCE_SECONDS)
        if self.fail:
            raise MemoryError("no room")
        self.tokens += token_ids.size
        result = self._engine.forward(token_ids, positions, mask, cache, logits_from=logits_from)
        self.largest_logits = max(self.largest_logits, result.logits.nbytes)
        return result


@pytest.fixture
def counting(engine: OnnxEngine) -> CountingEngine:
    return CountingEngine(engine)


def generate(scheduler: Scheduler, *specs: GenerationSpec) -> list[Generation]:
    """Runs sequences together, to their end."""
    done = threading.Semaphore(0)
    generations = [Generation(spec, 2048, on_change=done.release) for spec in specs]
    scheduler.submit(*generations)
    for _ in generations:
        assert done.acquire(timeout=PATIENCE_SECONDS)
    return generations


@pytest.fixture
def scheduler(counting: CountingEngine) -> Iterator[Scheduler]:
    made = Scheduler(counting, max_batch=64, max_queue=64, chunk_size=32)
    made.start()
    yield made
    made.stop()


def test_among_others_as_alone(scheduler: Scheduler, prompts: list[list[int]], engine: OnnxEngine) -> None:
    """64 sequences at once, greedy and sampled: each as alone, or first different at two tokens within the noise."""
    specs = [
        GenerationSpec(
            prompt=prompt, max_tokens=64, sampling=GREEDY if i % 2 else SamplingSettings(temperature=0.8, seed=i)
        )
        for i, prompt in enumerate(prompts)
    ]
    together = generate(scheduler, *specs)
    equal = 0
    for spec, generation in zip(specs, together, strict=True):
        alone = generate(scheduler, spec)[0].output
        equal += alone == generation.output
        if alone != generation.output and spec.sampling.greedy:
            at = next(i for i, pair in enumerate(zip(alone, generation.output, strict=True)) if pair[0] != pair[1])
            ids = np.array([[*spec.prompt, *alone[:at]]])
            positions = np.arange(ids.shape[1])[None]
            logits = engine.forward(ids, positions, np.ones_like(ids), engine.empty_cache()).logits[0, -1]

            assert abs(logits[alone[at]] - logits[generation.output[at]]) < NOISE

    assert equal >= 0.99 * len(specs)


def test_chunks_and_prefix_cache_change_nothing(scheduler: Scheduler, counting: CountingEngine) -> None:
    """A prompt with a known beginning gives the same tokens and logprobs to the bit, with fewer tokens fed."""
    prompt = np.random.default_rng(0).integers(0, 2048, 200).tolist()
    spec = GenerationSpec(prompt=prompt, max_tokens=8, sampling=GREEDY, logprobs=5)
    first, second = (generate(scheduler, spec)[0] for _ in range(2))

    assert (first.cached_tokens, second.cached_tokens) == (0, 192)
    assert counting.tokens == 200 + 8 + 7 + 7
    assert first.output == second.output
    for one, other in zip(first.output_rows, second.output_rows, strict=True):
        assert np.array_equal(one.top_logprobs, other.top_logprobs)


def test_prompt_logprobs_ignore_the_prefix_cache(scheduler: Scheduler) -> None:
    """All rows are there, equal to the bit, whatever is cached; the memory is that of one chunk."""
    prompt = np.random.default_rng(1).integers(0, 2048, 100).tolist()
    spec = GenerationSpec(prompt=prompt, max_tokens=0, prompt_logprobs=20)
    first, second = (generate(scheduler, spec)[0].prompt_rows for _ in range(2))

    assert first is not None
    assert second is not None
    assert len(first) == 99
    assert np.array_equal(first.top_ids, second.top_ids)
    assert np.array_equal(first.top_logprobs, second.top_logprobs)


def test_no_pass_holds_more_logits_than_a_chunk(scheduler: Scheduler, counting: CountingEngine) -> None:
    """A prompt of the whole context never has more logits in memory than those of one chunk."""
    generate(scheduler, GenerationSpec(prompt=[7] * 1024, max_tokens=0, prompt_logprobs=1))

    assert counting.largest_logits == 32 * 2048 * 4


@pytest.mark.parametrize(
    ("vocabulary", "size"), [(2048, 256), (32_000, 256), (128_256, 128), (262_144, 64), (10**9, 1)]
)
def test_default_chunk_keeps_its_logits_in_64_mebibytes(vocabulary: int, size: int) -> None:
    """The chunk shrinks as the vocabulary grows."""
    assert default_chunk_size(vocabulary) == size


def test_queue_is_bounded(scheduler: Scheduler, counting: CountingEngine) -> None:
    """What does not fit is refused at once and whole; what was accepted is answered."""
    counting.gate.clear()
    spec = GenerationSpec(prompt=[1, 2, 3], max_tokens=1, sampling=GREEDY)
    accepted = [Generation(spec, 2048) for _ in range(60)]
    scheduler.submit(*accepted)
    with pytest.raises(QueueFullError):
        scheduler.submit(*[Generation(spec, 2048) for _ in range(10)])
    counting.gate.set()
    generate(scheduler, spec)

    assert all(len(generation.output) == 1 for generation in accepted)


def test_cancelled_sequences_stop(scheduler: Scheduler, counting: CountingEngine) -> None:
    """A sequence that is cancelled while it waits or runs takes no more passes."""
    counting.gate.clear()
    spec = GenerationSpec(prompt=[1, 2, 3], max_tokens=500, sampling=GREEDY)
    leavers = [Generation(spec, 2048) for _ in range(3)]
    scheduler.submit(*leavers)
    for leaver in leavers:
        leaver.cancelled = True
    counting.gate.set()
    generate(scheduler, GenerationSpec(prompt=[1], max_tokens=1, sampling=GREEDY))

    assert all(len(leaver.output) <= 1 for leaver in leavers)
    assert counting.tokens < 10


def test_a_failed_pass_fails_its_requests_only(scheduler: Scheduler, counting: CountingEngine) -> None:
    """The sequences of a failed pass end with the error; the next ones are answered."""
    spec = GenerationSpec(prompt=[1, 2, 3], max_tokens=2, sampling=GREEDY)
    counting.fail = True
    failed = generate(scheduler, spec)[0]
    counting.fail = False

    assert isinstance(failed.error, MemoryError)
    assert generate(scheduler, spec)[0].error is None


def test_a_failed_choice_fails_its_request(scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch) -> None:
    """A first token that cannot be chosen ends its sequence too, and leaves none behind."""
    spec = GenerationSpec(prompt=[1, 2, 3], max_tokens=2, sampling=GREEDY)
    with monkeypatch.context() as patched:
        patched.setattr(Generation, "choose", _fail)
        failed = generate(scheduler, spec)[0]

    assert isinstance(failed.error, ZeroDivisionError)
    assert generate(scheduler, spec)[0].error is None


def _fail(*_: object) -> int:
    raise ZeroDivisionError


def test_stopping_finishes_what_runs(counting: CountingEngine) -> None:
    """After stop() everything submitted is done, and more is refused."""
    scheduler = Scheduler(counting)
    spec = GenerationSpec(prompt=[1, 2, 3], max_tokens=20, sampling=GREEDY)
    generations = [Generation(spec, 2048) for _ in range(5)]
    scheduler.submit(*generations)
    scheduler.start()
    scheduler.stop()

    assert all(len(generation.output) == 20 for generation in generations)
    with pytest.raises(SchedulerStoppedError):
        scheduler.submit(Generation(spec, 2048))


def test_prefix_cache_forgets_the_least_recently_used(engine: OnnxEngine) -> None:
    """Beyond its size the cache drops what was not used for longest; an incomplete chunk is not kept."""
    row = [np.zeros((1, 2, 2, 40), dtype=np.float32)]
    cache = PrefixCache(chunk_size=2, max_bytes=2 * row[0].nbytes)
    for prompt in ([1, 1], [2, 2], [1, 1], [3, 3]):
        cache.add(prompt, 2, row)
    cache.add([4, 4, 4], 3, row)

    assert len(cache) == 2
    assert cache.find([2, 2, 0]) is None
    assert cache.find([1, 1]) is None
    found = cache.find([1, 1, 0])
    assert found is not None
    assert found[0] == 2
    assert engine.vocabulary_size == 2048
