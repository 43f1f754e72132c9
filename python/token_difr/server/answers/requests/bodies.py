"""The bodies of OpenAI's requests: the fields that act, their ranges and their defaults. What they do: ``fields.toml``."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from token_difr.server.answers.requests.choices import CompletionLogprobs, Prompts, Stop
from token_difr.server.answers.requests.messages import ChatPrompt
from token_difr.server.answers.requests.strict import FirstFault, StrictBody, TokenId

__all__ = ["ChatRequest", "CompletionRequest", "GenerationFields", "StreamOptions"]

LogprobCount = Annotated[int, Field(ge=-1)]
"""Likeliest tokens a position; -1 = the whole vocabulary."""


class StreamOptions(StrictBody):
    """What a stream carries beside the answer."""

    part: ClassVar[str] = "stream_options"

    include_usage: bool = False
    continuous_usage_stats: bool = False


class GenerationFields(StrictBody):
    """What completions and chat completions share."""

    model: str | None = None
    temperature: float | None = Field(default=None, ge=0, le=100)
    top_p: float | None = Field(default=None, gt=0, le=1)
    top_k: int | None = Field(default=None, ge=-1, lt=2**31)
    min_p: float | None = Field(default=None, ge=0, le=1)
    seed: int | None = Field(default=None, ge=-(2**63), lt=2**64)
    n: int = Field(default=1, ge=1, le=128)
    stop: Stop | None = None
    stop_token_ids: Annotated[list[TokenId], FirstFault] | None = None
    include_stop_str_in_output: bool = False
    no_stop_trim: bool = False
    skip_special_tokens: bool = True
    ignore_eos: bool = False
    min_tokens: int = Field(default=0, ge=0)
    presence_penalty: float | None = Field(default=None, ge=-2, le=2)
    frequency_penalty: float | None = Field(default=None, ge=-2, le=2)
    repetition_penalty: float | None = Field(default=None, ge=0.01, le=100)
    repeat_penalty: float | None = Field(default=None, ge=0.01, le=100)
    repeat_last_n: int | None = Field(default=None, ge=-1, lt=2**31)
    logit_bias: dict[str, float] | None = None
    allowed_token_ids: Annotated[list[TokenId], Field(min_length=1), FirstFault] | None = None
    bad_words: (
        Annotated[list[Annotated[str, Field(min_length=1, max_length=1024)]], Field(max_length=1024), FirstFault] | None
    ) = None
    prompt_logprobs: LogprobCount | None = None
    top_logprobs: LogprobCount | None = None
    logprob_token_ids: Annotated[list[TokenId], FirstFault] | None = None
    return_token_ids: bool = False
    return_tokens_as_token_ids: bool = False
    truncate_prompt_tokens: int | None = Field(default=None, ge=-1)
    truncation_side: Literal["left", "right"] = "left"
    stream: bool = False
    stream_options: StreamOptions | None = None

    @property
    def keeps_stop(self) -> bool:
        """Whether what ended the output stays in its text."""
        return self.include_stop_str_in_output or self.no_stop_trim


class CompletionRequest(GenerationFields):
    """The body of ``POST /v1/completions``."""

    part: ClassVar[str] = "completions"

    prompt: Prompts
    max_tokens: int | None = Field(default=None, ge=0)
    echo: bool = False
    echo_last: int | None = Field(default=None, ge=0)
    logprobs: CompletionLogprobs | None = None
    add_special_tokens: bool = True


class ChatRequest(GenerationFields, ChatPrompt):
    """The body of ``POST /v1/chat/completions``."""

    part: ClassVar[str] = "chat"

    logprobs: bool = False
    max_tokens: int | None = Field(default=None, ge=0)
    max_completion_tokens: int | None = Field(default=None, ge=0)
    parallel_tool_calls: bool = True
