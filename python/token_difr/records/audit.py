"""What makes two audits the same audit."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Self

from token_difr.records.response import Conversation
from token_difr.records.sampling import SamplingParams

__all__ = ["AuditIdentity", "prompts_digest"]


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditIdentity:
    """Everything that the content of a run directory depends on. None = not stated (yet).

    Attributes:
        prompts_digest: SHA-256 of the conversations, see :func:`prompts_digest`.
        prompts_count: Number of conversations.
        provider: The provider's base URL, without user-info and query.
        model: The model that the provider is asked for.
        params: How the provider is told to sample.
        max_tokens: The longest output that is asked for, in tokens.
        token_ids: Whether the provider is asked for token ids, and believed where they spell its text.
        provider_service: Name of the provider's service, where it was given.
        provider_only: The one provider behind a router that may answer.
        provider_logprobs: Whether the provider is asked for the logprobs of its output.
        chat_template_kwargs: Variables of the chat template.
        tokenizer: The tokenizer's name, or its folder, which is kept as an absolute path without links.
        tokenizer_digest: SHA-256 of its vocabulary, rules and chat template.
        reference: The reference's base URL, without user-info and query.
        reference_model: The model that the reference is asked for.
        reference_dialect: How the reference is spoken to, e.g. "vllm".
        topk_logprobs: Entries a row that the reference is asked for.
        sampler: Name of the sampler whose noise the scores replay.
        vocab_size: Width of the model's logits, where that noise depends on it.
    """

    prompts_digest: str | None = None
    prompts_count: int | None = None
    provider: str | None = None
    model: str | None = None
    params: SamplingParams | None = None
    max_tokens: int | None = None
    token_ids: bool | None = None
    provider_service: str | None = None
    provider_only: str | None = None
    provider_logprobs: bool | None = None
    chat_template_kwargs: Mapping[str, Any] | None = None
    tokenizer: str | None = None
    tokenizer_digest: str | None = None
    reference: str | None = None
    reference_model: str | None = None
    reference_dialect: str | None = None
    topk_logprobs: int | None = None
    sampler: str | None = None
    vocab_size: int | None = None

    def __post_init__(self) -> None:
        # One folder has many spellings, and a relative one means another folder elsewhere.
        if self.tokenizer and (folder := Path(self.tokenizer).expanduser()).is_dir() and self.tokenizer != "demo":
            object.__setattr__(self, "tokenizer", str(folder.resolve()))

    def with_prompts(self, prompts: Sequence[Conversation]) -> Self:
        """The same with the prompts' digest and count."""
        return replace(self, prompts_digest=prompts_digest(prompts), prompts_count=len(prompts))

    def differences(self, other: Self) -> dict[str, tuple[Any, Any]]:
        """Values (here, there) by name, where both state one and they differ."""
        return {
            field.name: (ours, theirs)
            for field in fields(self)
            if (ours := getattr(self, field.name)) is not None
            and (theirs := getattr(other, field.name)) is not None
            and ours != theirs
        }

    def completed_by(self, other: Self) -> Self:
        """The same, with what is not stated here taken from ``other``."""
        missing = {f.name: getattr(other, f.name) for f in fields(self) if getattr(self, f.name) is None}
        return replace(self, **missing)

    def to_dict(self) -> dict[str, Any]:
        """All fields by name, as JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, d: Mapping[str, Any]) -> Self:
        """The inverse of :meth:`to_dict`. An unknown or unfit field raises ``TypeError`` or ``ValueError``."""
        params = d.get("params")
        if params is None:
            return cls(**d)
        seed = params["seed"]
        seeds = tuple(seed) if isinstance(seed, list) else seed
        return cls(**{**d, "params": SamplingParams(**{**params, "seed": seeds})})


def prompts_digest(prompts: Sequence[Conversation]) -> str:
    """SHA-256, in hexadecimal, of the conversations as JSON without spaces and with sorted keys."""
    canonical = json.dumps(list(prompts), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()
