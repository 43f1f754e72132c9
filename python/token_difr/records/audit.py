"""The record of an audit: everything that its results depend on, a part for each stage.

A part is stated whole or not at all (None). It binds once the stage has made something from it: until then a mistyped
model or URL can be put right in the same run directory. A field that is marked ``SHARED`` is one that a baseline
must have in common with the audit; endpoints, seeds and the provider's name for the model may differ.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Self

from token_difr.errors import InputError
from token_difr.gguf.container import is_gguf
from token_difr.records.asking import Asking
from token_difr.records.part import SHARED, differences
from token_difr.records.response import Conversation
from token_difr.records.sampling import SamplingParams

__all__ = ["Asked", "Audit", "Judged", "PromptSet", "Rendered", "Resegmented", "Scored"]


OF_TIES = "ties "
"""What stands before the digest of near ties, in the place of a reference's dialect."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PromptSet:
    """Which conversations an audit is about.

    Attributes:
        digest: SHA-256, in hexadecimal, of the conversations as JSON without spaces and with sorted keys.
        count: How many they are.
    """

    digest: str
    count: int

    @classmethod
    def of(cls, prompts: Sequence[Conversation]) -> Self:
        """Those of these conversations."""
        canonical = json.dumps(list(prompts), sort_keys=True, separators=(",", ":"))
        return cls(digest=hashlib.sha256(canonical.encode("ascii")).hexdigest(), count=len(prompts))


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What the answers depend on.

    Attributes:
        provider: The provider's base URL, without user-info and query, or what else names it.
        model: The model that it is asked for.
        params: How it is told to sample.
        max_tokens: The longest output that is asked for, in tokens.
        asking: How it is asked beside that. The variables of the chat template are here, though our own rendering uses
            them too: an answer to a prompt that was rendered otherwise is another answer.
    """

    provider: str
    model: str
    params: SamplingParams
    max_tokens: int = field(metadata=SHARED)
    asking: Asking = field(default_factory=Asking)


@dataclass(frozen=True, kw_only=True, slots=True)
class Rendered:
    """What the token sequences depend on, beside the answers.

    Attributes:
        tokenizer: The tokenizer's name, or its folder or GGUF file, which is kept as an absolute path without links; None if the
            tokenizer was given as an object without a name.
        digest: SHA-256 of its vocabulary, rules and chat template: what makes two tokenizers the same.
    """

    tokenizer: str | None
    digest: str | None = field(metadata=SHARED)

    def __post_init__(self) -> None:
        # One place has many spellings, and a relative one means another place elsewhere.
        if not self.tokenizer or self.tokenizer == "demo":
            return
        place = Path(self.tokenizer).expanduser()
        if place.is_dir() or (is_gguf(place) and place.is_file()):
            object.__setattr__(self, "tokenizer", str(place.resolve()))


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """What the reference's rows depend on, beside the sequences.

    Attributes:
        reference: The reference's base URL, without user-info and query; None if it is no URL.
        model: The model that it is asked for.
        dialect: How it is spoken to, e.g. "vllm".
        topk_logprobs: Entries a row that it is asked for.
    """

    reference: str | None
    model: str = field(metadata=SHARED)
    dialect: str = field(metadata=SHARED)
    topk_logprobs: int = field(metadata=SHARED)

    @property
    def of_ties(self) -> bool:
        """Whether the rows are those of a file of near ties: no reference was asked."""
        return self.dialect.startswith(OF_TIES)

    @property
    def place(self) -> str:
        """The field that says where it is: its URL, or the model, whose path is its name where it is run here."""
        return "model" if self.reference is None else "reference"


@dataclass(frozen=True, kw_only=True, slots=True)
class Resegmented:
    """How far the tokens of answers that came as text were put right (:mod:`token_difr.segmentation`).

    Attributes:
        requests: The most that the reference may be asked for it; None = what it usually takes, 0 = no repair.

    Raises:
        InputError: Fewer than 0.
    """

    requests: int | None = None

    def __post_init__(self) -> None:
        if self.requests is not None and self.requests < 0:
            raise InputError(f"repair_requests must be at least 0, not {self.requests}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Scored:
    """What the scores depend on, beside the rows and ``Asked.params``. They can be made anew at any time, offline.

    Attributes:
        sampler: Name of the sampler whose noise is replayed; None = none.
        vocab_size: Width of the model's logits, where that noise depends on it.
    """

    sampler: str | None = None
    vocab_size: int | None = None

    @classmethod
    def stated(cls, sampler: str | None, vocab_size: int | None) -> Self | None:
        """What is stated of them; None = nothing."""
        return None if sampler is None and vocab_size is None else cls(sampler=sampler, vocab_size=vocab_size)

    def completed_by(self, other: Scored) -> Scored:
        """The same, with what is None here taken from ``other``."""
        return Scored(sampler=self.sampler or other.sampler, vocab_size=self.vocab_size or other.vocab_size)


@dataclass(frozen=True, kw_only=True, slots=True)
class Audit:
    """Whose audit, and how: a part for each stage; None = not stated (yet).

    Attributes:
        prompts: The conversations.
        asked: The provider.
        rendered: The tokenizer.
        judged: The reference.
        resegmented: The repair of tokens that were made from text.
        scored: The sampler.
    """

    prompts: PromptSet | None = None
    asked: Asked | None = None
    rendered: Rendered | None = None
    judged: Judged | None = None
    resegmented: Resegmented | None = None
    scored: Scored | None = None

    def parts(self) -> Iterator[tuple[str, Any]]:
        """Every part that is stated, by name."""
        return ((each.name, part) for each in fields(self) if (part := getattr(self, each.name)) is not None)

    def differences(self, other: Audit, *, shared_only: bool = False) -> dict[str, tuple[Any, Any]]:
        """Values (here, there) by part and field, such as ``asked.model``, in the parts that both state.

        Args:
            other: Another record.
            shared_only: Only what a baseline must share.
        """
        return {
            f"{name}.{leaf.rpartition('.')[2]}": values
            for name, part in self.parts()
            if (theirs := getattr(other, name)) is not None
            for leaf, values in differences(part, theirs, shared_only=shared_only).items()
        }

    def completed_by(self, other: Audit) -> Audit:
        """The same, with the parts that are not stated here taken from ``other``."""
        whole = replace(self, **{name: part for name, part in other.parts() if getattr(self, name) is None})
        if self.scored is not None and other.scored is not None:
            whole = replace(whole, scored=self.scored.completed_by(other.scored))
        return whole

    def of_first(self, count: int) -> Audit:
        """The same of the first ``count`` prompts: where each has a seed of its own, as many seeds."""
        if self.asked is None or not isinstance(self.params.seed, tuple):
            return self
        return replace(self, asked=replace(self.asked, params=replace(self.params, seed=self.params.seed[:count])))

    def about(self, prompts: Sequence[Conversation]) -> Audit:
        """The same, of these conversations."""
        return replace(self, prompts=PromptSet.of(prompts))

    @property
    def params(self) -> SamplingParams:
        """How the provider was told to sample; greedily where that is not stated."""
        return SamplingParams() if self.asked is None else self.asked.params

    @property
    def asking(self) -> Asking:
        """How the provider was asked beside that; as plainly as can be where that is not stated."""
        return Asking() if self.asked is None else self.asked.asking

    @property
    def tokenizer(self) -> str:
        """What the tokenizer can be loaded by: its own name, or the model's."""
        rendered = None if self.rendered is None else self.rendered.tokenizer
        return rendered or ("" if self.asked is None else self.asked.model)

    @property
    def sampler(self) -> str | None:
        """The sampler whose noise the scores replay; None = none."""
        return None if self.scored is None else self.scored.sampler

    @property
    def replays(self) -> bool:
        """Whether the scores replay the sampler's noise: neither greedy, nor without a seed, nor without a sampler."""
        return not self.params.greedy and self.params.seed is not None and self.sampler is not None

    def to_dict(self) -> dict[str, Any]:
        """Every part by name, as JSON values."""
        return {name: asdict(part) for name, part in self.parts()}

    @classmethod
    def from_dict(cls, d: Mapping[str, Any]) -> Self:
        """The inverse of :meth:`to_dict`. An unknown, missing or unfit field raises ``TypeError`` or ``ValueError``."""
        kinds: dict[str, Callable[..., Any]] = {
            "prompts": PromptSet,
            "asked": _asked,
            "rendered": Rendered,
            "judged": Judged,
            "resegmented": Resegmented,
            "scored": Scored,
        }
        unknown = d.keys() - kinds.keys()
        if unknown:
            raise ValueError(f"an audit has no part {', '.join(sorted(unknown))}")
        return cls(**{name: kinds[name](**values) for name, values in d.items()})


def _asked(*, params: Mapping[str, Any], asking: Mapping[str, Any], **values: Any) -> Asked:
    seed = params.get("seed")
    seeds = tuple(seed) if isinstance(seed, list) else seed
    return Asked(params=SamplingParams(**{**params, "seed": seeds}), asking=Asking(**asking), **values)
