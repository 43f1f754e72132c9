"""The bodies of requests: which fields there are, their ranges and their defaults.

A field that is not listed is refused (HTTP 400): a parameter that was silently ignored would make the answer another
one than was asked for.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = [
    "ChatMessage",
    "ChatPrompt",
    "ChatRequest",
    "CompletionRequest",
    "GenerationFields",
    "NamedToolChoice",
    "StrictBody",
    "TokenId",
]

TokenId = Annotated[int, Field(ge=0, lt=2**32)]
Stop = str | Annotated[list[str], Field(max_length=16)]


class StrictBody(BaseModel):
    """A JSON object without unknown fields; numbers are numbers, finite, and never strings."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class StreamOptions(StrictBody):
    """What a stream carries beside the answer."""

    include_usage: bool | None = Field(default=None, description="one more event at the end, with the usage")
    include_obfuscation: bool | None = Field(default=None, description="accepted, without effect")


class GenerationFields(StrictBody):
    """What completions and chat completions share."""

    model: str | None = None
    temperature: float | None = Field(default=None, ge=0, le=100)
    top_p: float | None = Field(default=None, gt=0, le=1)
    top_k: int | None = Field(default=None, ge=-1, lt=2**31, description="-1 and 0 = off")
    min_p: float | None = Field(default=None, ge=0, le=1)
    seed: int | None = Field(default=None, ge=-(2**63), lt=2**64)
    n: int | None = Field(default=None, ge=1, le=128)
    stop: Stop | None = None
    stop_token_ids: list[TokenId] | None = None
    include_stop_str_in_output: bool = False
    skip_special_tokens: bool = True
    ignore_eos: bool = False
    presence_penalty: float | None = Field(default=None, ge=-2, le=2)
    frequency_penalty: float | None = Field(default=None, ge=-2, le=2)
    repetition_penalty: float | None = Field(default=None, ge=0.01, le=100)
    repeat_penalty: float | None = Field(
        default=None, ge=0.01, le=100, description="another name of repetition_penalty"
    )
    repeat_last_n: int | None = Field(default=None, ge=-1, lt=2**31, description="window; -1 = everything, 0 = off")
    logit_bias: dict[str, float] | None = None
    prompt_logprobs: int | None = Field(default=None, ge=-1)
    return_token_ids: bool | None = None
    return_tokens_as_token_ids: bool | None = None
    response_format: dict[str, Any] | None = None
    top_logprobs: int | None = Field(default=None, ge=0)
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    user: str | None = Field(default=None, description="accepted, without effect")
    metadata: dict[str, Any] | None = Field(default=None, description="accepted, without effect")
    store: bool | None = Field(default=None, description="accepted, without effect")


class CompletionRequest(GenerationFields):
    """The body of ``POST /v1/completions``."""

    prompt: str | list[str] | list[TokenId] | list[list[TokenId]]
    max_tokens: int | None = Field(default=None, ge=0)
    echo: bool | None = None
    echo_last: int | None = Field(default=None, ge=0, description="echo only so many tokens of the prompt")
    logprobs: bool | Annotated[int, Field(ge=0)] | None = Field(
        default=None, description="a number: OpenAI's lists; true: Fireworks' content objects, with top_logprobs"
    )
    add_special_tokens: bool = True
    best_of: int | None = None
    suffix: str | None = None


class TextPart(StrictBody):
    """A part of a message's content; only text is understood."""

    type: Literal["text"]
    text: str


class CalledFunction(StrictBody):
    """What a tool call in the conversation called."""

    name: str
    arguments: str


class CalledTool(StrictBody):
    """A tool call that the assistant made earlier."""

    id: str
    type: Literal["function"] = "function"
    function: CalledFunction


class ChatMessage(StrictBody):
    """One message of a conversation."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[TextPart] | None = None
    name: str | None = None
    reasoning_content: str | None = None
    tool_calls: list[CalledTool] | None = None
    tool_call_id: str | None = None
    refusal: str | None = Field(default=None, description="accepted, without effect")


class ToolFunction(StrictBody):
    """A function that the model may call."""

    name: Annotated[str, Field(min_length=1, max_length=64)]
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = Field(default=None, description="accepted, without effect: the output is not constrained")


class Tool(StrictBody):
    """A tool; only functions are understood."""

    type: Literal["function"]
    function: ToolFunction


class ToolName(StrictBody):
    """The name of a function."""

    name: str


class NamedToolChoice(StrictBody):
    """The demand that one function be called."""

    type: Literal["function"]
    function: ToolName


class ChatPrompt(StrictBody):
    """What makes the prompt of a chat."""

    messages: Annotated[list[ChatMessage], Field(min_length=1)]
    tools: list[Tool] | None = None
    tool_choice: Literal["none", "auto", "required"] | NamedToolChoice | None = None
    chat_template_kwargs: dict[str, Any] | None = None
    add_generation_prompt: bool | None = Field(default=None, description="default: true, unless a message is continued")
    continue_final_message: bool = False


class ChatRequest(GenerationFields, ChatPrompt):
    """The body of ``POST /v1/chat/completions``."""

    logprobs: bool | None = None
    max_tokens: int | None = Field(default=None, ge=0)
    max_completion_tokens: int | None = Field(default=None, ge=0)
    parallel_tool_calls: bool | None = None
    provider: dict[str, Any] | None = Field(
        default=None, description="OpenRouter's routing: accepted, without effect, since there is one provider here"
    )
