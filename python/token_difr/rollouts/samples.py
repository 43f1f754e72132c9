"""What a call gives back: the samples of a prompt, and what failed."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, overload

from token_difr.errors import TokenDifrError
from token_difr.records import Logprobs
from token_difr.rollouts.response import Response

__all__ = ["Rollouts", "SampleError"]


@dataclass(frozen=True, kw_only=True, slots=True)
class SampleError:
    """A sample that there is not, and why.

    Attributes:
        index: Which of the prompt's samples, from 0.
        seed: Its seed.
        error: The reason.
    """

    index: int
    seed: int
    error: TokenDifrError

    def to_dict(self) -> dict[str, Any]:
        """Index, seed, the error's type and message."""
        return {"index": self.index, "seed": self.seed, "type": type(self.error).__name__, "message": str(self.error)}


@dataclass(frozen=True, kw_only=True)
class Rollouts:
    """The samples of one prompt: a sequence of its responses, in the order of their seeds.

    Attributes:
        prompt: As it was given.
        num_responses: How many were asked for: ``len(rollouts) + len(rollouts.errors)``.
        temperature: As it was sent.
        top_p: As it was sent.
        max_tokens: As it was sent.
        model: As it was sent.
        responses: What was answered.
        errors: What was not, each with its reason.
        cache_dir: Folder of the cache; None without one.
        logprobs_enabled: Whether logprobs were asked for.
        echo_enabled: Whether the prompt's were.
        prompt_token_ids: The prompt as it was sent, where it was sent as token ids; else None.
        begun: The beginning of the answers that the prompt handed over; "" without one.
    """

    prompt: str | list[dict[str, Any]]
    num_responses: int
    temperature: float
    top_p: float
    max_tokens: int
    model: str
    responses: list[Response]
    errors: list[SampleError] = field(default_factory=list)
    cache_dir: str | None = None
    logprobs_enabled: bool = False
    echo_enabled: bool = False
    prompt_token_ids: list[int] | None = None
    begun: str = ""

    def __len__(self) -> int:
        return len(self.responses)

    def __iter__(self) -> Iterator[Response]:
        return iter(self.responses)

    @overload
    def __getitem__(self, index: int) -> Response: ...
    @overload
    def __getitem__(self, index: slice) -> list[Response]: ...
    def __getitem__(self, index: int | slice) -> Response | list[Response]:
        return self.responses[index]

    def __repr__(self) -> str:
        failed = f", {len(self.errors)} errors" if self.errors else ""
        return f"Rollouts({len(self)} of {self.num_responses} responses{failed}, model={self.model!r})"

    def get_texts(self) -> list[str]:
        """``full`` of every response."""
        return [response.full for response in self]

    def get_contents(self) -> list[str]:
        """``content`` of every response."""
        return [response.content for response in self]

    def get_reasonings(self) -> list[str]:
        """``reasoning`` of every response."""
        return [response.reasoning for response in self]

    def get_total_tokens(self) -> int:
        """Sum of all ``usage.total_tokens``."""
        return sum(response.usage.total_tokens for response in self)

    def get_finish_reasons(self) -> dict[str, int]:
        """How many responses ended for each reason."""
        return dict(Counter(response.finish_reason for response in self))

    def get_all_prompt_logprobs(self) -> list[Logprobs | None]:
        """The prompt's logprobs, by response."""
        return [response.get_prompt_logprobs() for response in self]

    def get_all_generation_logprobs(self) -> list[Logprobs | None]:
        """The answers' logprobs, by response."""
        return [response.get_generation_logprobs() for response in self]

    def raise_for_errors(self) -> None:
        """Raise the first error, if there is one.

        Raises:
            TokenDifrError: Of the first sample that failed.
        """
        if self.errors:
            raise self.errors[0].error

    def to_dict(self) -> dict[str, Any]:
        """All fields by name, as JSON values."""
        shallow = {each.name: getattr(self, each.name) for each in dataclasses.fields(self)}
        made = {name: [item.to_dict() for item in shallow[name]] for name in ("responses", "errors")}
        return {**shallow, **made}
