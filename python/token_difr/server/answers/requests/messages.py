"""Conversations in requests: messages, tools, and the demand for a call."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Discriminator, Field, Tag

from token_difr.server.answers.requests.choices import kind_of
from token_difr.server.answers.requests.strict import FirstFault, StrictBody

__all__ = ["ChatMessage", "ChatPrompt", "NamedToolChoice", "Tool", "ToolFunction"]


class TextPart(StrictBody):
    """A part of a message's content."""

    part: ClassVar[str] = "part"

    type: Literal["text"]
    text: str


class RefusalPart(StrictBody):
    """What an assistant refused with."""

    part: ClassVar[str] = "part"

    type: Literal["refusal"]
    refusal: str

    @property
    def text(self) -> str:
        """What it says."""
        return self.refusal


def _part_kind(value: Any) -> str | None:
    kind = value.get("type") if isinstance(value, dict) else getattr(value, "type", None)
    return f":{kind}" if kind in ("text", "refusal") else None


Part = Annotated[
    Annotated[TextPart, Tag(":text")] | Annotated[RefusalPart, Tag(":refusal")],
    Discriminator(
        _part_kind,
        custom_error_type="kind",
        custom_error_message="must be {'type': 'text', 'text': ...}: no other parts are understood",
    ),
]


def _content_kind(value: Any) -> str | None:
    return ":parts" if isinstance(value, list) else ":text" if isinstance(value, str) else None


Content = Annotated[
    Annotated[str, Tag(":text")] | Annotated[list[Part], FirstFault, Tag(":parts")],
    Discriminator(_content_kind, custom_error_type="kind", custom_error_message="must be a text or a list of parts"),
]


class CalledFunction(StrictBody):
    """What a tool call in the conversation called."""

    part: ClassVar[str] = "called_function"

    name: str
    arguments: str


class CalledTool(StrictBody):
    """A tool call that the assistant made earlier."""

    part: ClassVar[str] = "tool_call"

    id: str
    type: Literal["function"] = "function"
    function: CalledFunction


class ChatMessage(StrictBody):
    """One message of a conversation."""

    part: ClassVar[str] = "message"

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: Content | None = None
    name: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    tool_calls: Annotated[list[CalledTool], FirstFault] | None = None
    tool_call_id: str | None = None


class ToolFunction(StrictBody):
    """A function that the model may call."""

    part: ClassVar[str] = "tool_function"

    name: Annotated[str, Field(min_length=1, max_length=64)]
    description: str | None = None
    parameters: dict[str, Any] | None = None


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


def _choice_kind(value: Any) -> str | None:
    if value in ("none", "auto", "required") or isinstance(value, NamedToolChoice):
        return ":word" if isinstance(value, str) else ":object"
    is_function = isinstance(value, dict) and value.get("type") == "function"
    return kind_of(value) if is_function else None


ToolChoice = Annotated[
    Annotated[Literal["none", "auto", "required"], Tag(":word")] | Annotated[NamedToolChoice, Tag(":object")],
    Discriminator(
        _choice_kind,
        custom_error_type="kind",
        custom_error_message="must be 'none', 'auto', 'required' or {'type': 'function', 'function': {'name': ...}}",
    ),
]


class ChatPrompt(StrictBody):
    """What makes the prompt of a chat."""

    messages: Annotated[list[ChatMessage], Field(min_length=1), FirstFault]
    tools: Annotated[list[Tool], FirstFault] | None = None
    tool_choice: ToolChoice | None = None
    chat_template_kwargs: dict[str, Any] | None = None
    add_generation_prompt: bool | None = None
    continue_final_message: bool = False
