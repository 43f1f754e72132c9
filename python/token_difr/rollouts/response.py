"""One sample, as rollouts give it back.

Not to be confused with :class:`token_difr.records.Response`, which is an audit's record of an answer: that one keeps the
whole answer and its number in the run, this one parts thought and answer and carries seed, usage and logprobs. What both
say of an answer is read once, by :func:`token_difr.services.read_answer`.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any, Self

from token_difr.records import Logprobs
from token_difr.services import StatedUsage

__all__ = ["Response", "Usage"]


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

    @classmethod
    def of(cls, stated: StatedUsage) -> Self:
        """What an answer states."""
        prompt, completion = stated.prompt_tokens or 0, stated.completion_tokens or 0
        return cls(
            prompt_tokens=prompt,
            completion_tokens=completion,
            total_tokens=stated.total_tokens or prompt + completion,
            cost_usd=stated.cost_usd,
        )

    def to_dict(self) -> dict[str, Any]:
        """All fields by name."""
        return dataclasses.asdict(self)


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
