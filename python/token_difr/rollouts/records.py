"""What a call gives back: responses, their usage and logprobs, and what failed."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, overload

from token_difr.errors import TokenDifrError

__all__ = ["Logprobs", "Response", "Rollouts", "SampleError", "Usage"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Usage:
    """Tokens by the provider's count; 0 where it gave none.

    Attributes:
        prompt_tokens: Of the prompt.
        completion_tokens: Of the answer, reasoning included.
        total_tokens: Of both.
        cost_usd: What the provider says that it charged; None if it does not say.
    """

    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0
    cost_usd: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """All fields by name."""
        return dataclasses.asdict(self)


@dataclass(frozen=True, kw_only=True)
class Logprobs:
    """Logprobs token by token, in nats; with ``echo`` the prompt's first.

    Attributes:
        tokens: The tokens' text.
        token_logprobs: Of each token; None where the provider gave none, as for the prompt's first.
        top_logprobs: The likeliest tokens at each place, text -> logprob. Texts may collide: ``candidates`` keeps all.
        candidates: The same as (token id or None, text, logprob), likeliest first, ties in the provider's order.
        text_offset: Where each token begins in the text, in characters; empty if unknown.
        token_ids: Of each token; empty if unknown.
        num_prompt_tokens: How many of them are the prompt's: 0 without ``echo``.
    """

    tokens: list[str]
    token_logprobs: list[float | None]
    top_logprobs: list[dict[str, float]] = field(default_factory=list)
    candidates: list[list[tuple[int | None, str, float]]] = field(default_factory=list)
    text_offset: list[int] = field(default_factory=list)
    token_ids: list[int] = field(default_factory=list)
    num_prompt_tokens: int = 0

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def prompt_length(self) -> int:
        """Length of the prompt in characters, where ``text_offset`` tells it; else 0."""
        beyond = self.text_offset[self.num_prompt_tokens : self.num_prompt_tokens + 1]
        return beyond[0] if beyond else 0

    def prompt(self) -> Logprobs:
        """The prompt's part."""
        return self._part(slice(0, self.num_prompt_tokens), self.num_prompt_tokens)

    def generation(self) -> Logprobs:
        """The answer's part."""
        return self._part(slice(self.num_prompt_tokens, None), 0)

    def to_dict(self) -> dict[str, Any]:
        """All fields by name."""
        return dataclasses.asdict(self)

    def _part(self, places: slice, num_prompt_tokens: int) -> Logprobs:
        lists = {each.name: getattr(self, each.name)[places] for each in dataclasses.fields(self)[:-1]}
        return Logprobs(**lists, num_prompt_tokens=num_prompt_tokens)


@dataclass(frozen=True, kw_only=True)
class Response:
    """One sample.

    Attributes:
        full: Reasoning and answer as the model wrote them.
        content: The answer alone.
        reasoning: The reasoning alone; "" without any.
        finish_reason: The provider's word, such as "stop" or "length"; "" if it gave none.
        provider: Who answered, where the endpoint says it.
        response_id: The provider's id of the answer.
        model: The model that the provider says it used.
        object: The kind of answer, such as "chat.completion".
        created: When, in seconds since 1970.
        usage: Tokens by the provider's count.
        logprobs: None unless they were asked for.
        echo: Whether ``logprobs`` begin with the prompt's.
        prompt_text: The prompt as it was sent, where it was rendered here; else "".
        seed: The sample's seed.
        completed_reasoning: Whether the reasoning came to its end; None without any.
        token_ids: The answer's token ids, where the provider gives them.
        cached: Whether it came from the cache, and cost nothing.
    """

    full: str
    content: str = ""
    reasoning: str = ""
    finish_reason: str = ""
    provider: str = ""
    response_id: str = ""
    model: str = ""
    object: str = ""
    created: int = 0
    usage: Usage = field(default_factory=Usage)
    logprobs: Logprobs | None = None
    echo: bool = False
    prompt_text: str = ""
    seed: int | None = None
    completed_reasoning: bool | None = None
    token_ids: list[int] | None = None
    cached: bool = False

    @property
    def text(self) -> str:
        """What was generated."""
        return self.full

    @property
    def full_text(self) -> str:
        """The rendered prompt, with ``echo``, and what was generated."""
        return self.prompt_text + self.full if self.echo else self.full

    def get_prompt_logprobs(self) -> Logprobs | None:
        """The prompt's logprobs; None without ``echo``."""
        return self.logprobs.prompt() if self.logprobs is not None and self.echo else None

    def get_generation_logprobs(self) -> Logprobs | None:
        """The answer's logprobs; None unless they were asked for."""
        return None if self.logprobs is None else self.logprobs.generation()

    def to_dict(self) -> dict[str, Any]:
        """All fields by name, as JSON values."""
        return dataclasses.asdict(self)


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
