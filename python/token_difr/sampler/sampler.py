"""Sampler: the rule by which an engine turns (seed, position or step, token id) into noise, as plain data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from token_difr import _core
from token_difr.errors import SamplerError
from token_difr.records import SamplingParams
from token_difr.records.arrays import flat_array
from token_difr.sampler.engines import find_rule, rules
from token_difr.sampler.keys import StreamKeys
from token_difr.sampler.options import Options
from token_difr.sampler.streams import stream_facts

__all__ = ["Sampler"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Sampler:
    """How an engine samples at a temperature above 0: the arg-max over the support of logit / T + noise.

    Made by :meth:`for_engine` or :meth:`parse`; two samplers are equal if all their fields are.

    Attributes:
        name: ``ENGINE@VERSION[:KEY=VALUE,...]``, which :meth:`parse` reads back; also ``str(sampler)``.
        stream: The random stream, by its name in the native core, such as ``vllm-murmur3`` or ``torch-cpu``.
        variant: Its form, where it has several.
        filters: Order and tie rule of the filters: ``vllm`` (min-p, top-k, top-p), ``huggingface`` (top-k, top-p,
            min-p) or ``sglang`` (one sort; mass before the token above p, rank, min-p).
        multiprocessors: Of the GPU; 0 where the stream does not depend on it.
        threads: Threads that one multiprocessor holds at once; 0 likewise.
        batch_size: Rows that one call of the generator fills (torch's streams): in a batch, sequence i is row
            ``i % batch_size``, and each ``batch_size`` sequences start the stream anew.
        needs_filter: Without a filter the engine ignores its seed.
        experimental: No values printed by the engine itself are among this package's tests.
    """

    name: str
    stream: str
    variant: str = ""
    filters: str = "vllm"
    multiprocessors: int = 0
    threads: int = 0
    batch_size: int = 1
    needs_filter: bool = False
    experimental: bool = False

    @classmethod
    def for_engine(
        cls,
        engine: str,
        version: str,
        runner: str | None = None,
        *,
        gpu: str | None = None,
        multiprocessors: int | None = None,
        threads: int | None = None,
        batch_size: int = 1,
        precision: str = "float32",
        filters: str | None = None,
        mkl: bool = True,
    ) -> Self:
        """The sampler of an engine's version.

        Args:
            engine: ``vllm``, ``vllm-cpu`` (vLLM on CPUs), ``sglang`` (deterministic mode), ``tgi``, ``torch-cpu`` and
                ``torch-cuda`` (Hugging Face ``generate``; the version is torch's).
            version: As in ``0.33`` or ``0.33.1``.
            runner: vLLM's model runner, ``v1`` or ``v2``; None = the version's default, where it has one.
            gpu: Name of the GPU, where the noise is drawn by torch on CUDA (vLLM's V1, TGI, torch-cuda).
            multiprocessors: Of a GPU without a name here, with ``threads``.
            threads: Threads that one of its multiprocessors holds at once.
            batch_size: Rows of a ``generate`` call that share one generator (torch-cpu, torch-cuda).
            precision: ``float64`` for vLLM's ``use_fp64_gumbel``.
            filters: Another order of the filters, for programs that draw torch's noise and filter by themselves
                (torch-cpu, torch-cuda).
            mkl: False for a torch before 2.7 that was built without MKL (ARM, macOS).

        Raises:
            UnreplayableError: An engine whose noise cannot be replayed; the message says why.
            SamplerError: Anything that is unknown, missing or superfluous; the message names it.
        """
        options = Options(
            runner=runner,
            gpu=gpu,
            multiprocessors=multiprocessors,
            threads=threads,
            batch_size=batch_size,
            precision=precision,
            filters=filters,
            mkl=mkl,
        )
        return cls._of(engine, version, options)

    @classmethod
    def _of(cls, engine: str, version: str, options: Options) -> Self:
        rule = find_rule(engine, version, options.runner)
        options.check(rule)
        multiprocessors, threads = options.grid(rule)
        return cls(
            name=f"{engine}@{version}:{options}".removesuffix(":"),
            stream=rule.stream,
            variant=options.variant(rule),
            filters=options.filters or rule.filters,
            multiprocessors=multiprocessors,
            threads=threads,
            batch_size=options.batch_size,
            needs_filter=rule.needs_filter,
            experimental=rule.experimental and options.variant(rule) == rule.variant,
        )

    @classmethod
    def parse(cls, text: str) -> Self:
        """The sampler of a name, as command lines take it: ``ENGINE@VERSION[:KEY=VALUE[,KEY=VALUE...]]``.

        The keys are the arguments of :meth:`for_engine`: ``vllm@0.33``, ``vllm@0.25:runner=v2``,
        ``vllm@0.19:gpu=H100``, ``torch-cuda@2.9:multiprocessors=4,threads=1024``, ``torch-cpu@2.13:batch_size=4``,
        ``sglang@0.5.23``.

        Raises:
            SamplerError: A text of another form, or see :meth:`for_engine`.
        """
        head, _, tail = text.partition(":")
        engine, at, version = head.partition("@")
        if not (engine and at and version):
            raise SamplerError(f"{text!r} names no sampler: write ENGINE@VERSION, as in vllm@0.33")
        return cls._of(engine, version, Options.parse(tail))

    @classmethod
    def known(cls, *, experimental: bool = False) -> tuple[Self, ...]:
        """One sampler of every known rule, that of its last version; where the GPU matters, one a GPU of the table.

        Args:
            experimental: Whether to list rules that are marked so.
        """
        found: dict[object, Self] = {}
        for rule in rules():
            if rule.experimental and not experimental:
                continue
            for gpu in _core.gpus() if rule.needs_gpu else [None]:
                sampler = cls.for_engine(rule.engine, rule.last, rule.runner, gpu=gpu)
                # An experimental rule is no substitute for one that was checked, though their streams be the same.
                same = (
                    rule.engine,
                    rule.experimental,
                    sampler.stream,
                    sampler.variant,
                    sampler.multiprocessors,
                    sampler.threads,
                )
                found[same] = sampler
        return tuple(found.values())

    @property
    def facts(self) -> _core.StreamFacts:
        """What holds for the stream whatever its sizes."""
        return stream_facts(self.stream, self.variant)

    @property
    def keyed_by(self) -> Literal["position", "step"]:
        """What the stream is keyed by: the position of the last input token (prompt length - 1 + n), or the step n."""
        return self.facts.keyed_by

    @property
    def needs_vocab_size(self) -> bool:
        """Whether the noise depends on the width of the model's logits."""
        return self.facts.needs_vocab_size

    @property
    def probability_floor(self) -> float:
        """What the engine adds to every probability before the logarithm; 0 for most."""
        return self.facts.probability_floor

    @property
    def filter_order(self) -> tuple[str, str, str]:
        """The order in which the filters act."""
        return _core.filter_rules()[self.filters].order

    @property
    def keeps_ties(self) -> bool:
        """Whether top-k keeps what ties with the k-th value (else exactly k tokens are left)."""
        return _core.filter_rules()[self.filters].keeps_ties

    def uses_rank_columns(self, params: SamplingParams) -> bool:
        """Whether noise belongs to ranks in the descending sort instead of ids: SGLang's, with any filter on."""
        by_place = _core.filter_rules()[self.filters].draws_by_place
        return by_place and (params.top_k > 0 or params.top_p < 1 or params.min_p > 0)

    def gumbel(
        self,
        *,
        seed: int,
        positions: ArrayLike,
        token_ids: ArrayLike,
        vocab_size: int | None = None,
        batch_size: int | None = None,
        row: int = 0,
    ) -> NDArray[np.float64]:
        """The noise, float64[len(positions), len(token_ids)].

        Args:
            seed: Any integer; engines take seeds modulo 2^64 (torch on CPUs: 2^32).
            positions: What ``keyed_by`` says: positions of the last input token, or output steps.
            token_ids: Ids; ranks where ``uses_rank_columns``.
            vocab_size: Width of the model's logits; needed where ``needs_vocab_size``, and not used elsewhere.
            batch_size: Rows that one call of the generator fills; None = the sampler's own.
            row: Which of them.

        Raises:
            SamplerError: A missing ``vocab_size``; an id or a row out of range; a position below 0.
        """
        ids = flat_array("token_ids", token_ids, np.uint32)
        places = flat_array("positions", positions, np.uint64)
        seeds, rows = np.full(places.size, int(seed) % 2**64, np.uint64), np.full(places.size, row, np.uint32)
        stream = self.native_stream(vocab_size, batch_size)
        try:
            return stream.gumbel(StreamKeys(seeds, places, rows), ids)
        except ValueError as error:
            raise SamplerError(str(error)) from None

    def draft_key(self, *, seed: int, position: int, step: int = 0) -> tuple[int, int]:
        """Seed and position under which vLLM's draft model draws, in speculative step ``step`` (model runner V2).

        Raises:
            SamplerError: A sampler whose drafts are not known.
        """
        if not self.facts.drafts:
            raise SamplerError(f"how drafts of {self.name} draw their noise is not known: only vLLM's runner V2 is")
        return (seed ^ (step << 32)) % 2**64, position + 2**30

    def replay_key(self, *, vocab_size: int, params: SamplingParams) -> tuple[object, ...]:
        """Equal for samplers that draw the same tokens, up to last bits, at that width and with those parameters.

        Below one wrap of the grid the GPU makes no difference; log variants that differ in last bits never do; the
        order of the filters matters only where min-p meets another filter.
        """
        blocks = self.native_stream(vocab_size).blocks if self.facts.needs_gpu else 0
        mixed = params.min_p > 0 and (params.top_k > 0 or params.top_p < 1)
        filters = self.filters if mixed or not self.keeps_ties else ""
        return self.stream, self.facts.alike, blocks, self.batch_size, filters

    @staticmethod
    def groups(
        samplers: Iterable[Sampler], *, vocab_size: int, params: SamplingParams
    ) -> tuple[tuple[Sampler, ...], ...]:
        """The samplers, those that cannot be told apart together; see :meth:`replay_key`."""
        found: dict[tuple[object, ...], list[Sampler]] = {}
        for sampler in samplers:
            found.setdefault(sampler.replay_key(vocab_size=vocab_size, params=params), []).append(sampler)
        return tuple(map(tuple, found.values()))

    def native_stream(self, vocab_size: int | None, batch_size: int | None = None) -> _core.Stream:
        """The native core's stream.

        Raises:
            SamplerError: A missing or impossible ``vocab_size``, or sizes that the stream cannot have.
        """
        if self.needs_vocab_size and vocab_size is None:
            raise SamplerError(
                f"the noise of {self.name} depends on the width of the model's logits: give vocab_size "
                "(vocab_size of the model's config, not the tokenizer's length)"
            )
        width = vocab_size if self.needs_vocab_size and vocab_size is not None else 1
        size = self.batch_size if batch_size is None else batch_size
        if not (0 < width < 2**32 and 0 < size < 2**32):
            raise SamplerError(f"vocab_size is {width}, batch_size {size}: both must lie between 1 and 2^32 - 1")
        try:
            return _core.Stream(
                self.stream,
                self.variant,
                vocab_size=width,
                batch_size=size,
                multiprocessors=self.multiprocessors,
                threads=self.threads,
            )
        except ValueError as error:
            raise SamplerError(str(error)) from None

    def __str__(self) -> str:
        return self.name
