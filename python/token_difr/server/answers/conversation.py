"""From the messages of a chat request to the prompt's token ids."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from token_difr.errors import PromptError
from token_difr.records import Message
from token_difr.server.answers.prompt_fit import AnyLength, PromptFit
from token_difr.server.answers.reasoning import THINK_OPEN
from token_difr.server.answers.requests.error import bad_request
from token_difr.server.answers.requests.messages import ChatMessage, ChatPrompt, NamedToolChoice, ToolFunction
from token_difr.server.answers.tool_calls import CALL_OPEN
from token_difr.server.model.chat_template import ChatTemplate
from token_difr.server.model.tokenizer import ModelTokenizer

__all__ = ["ConversationRenderer", "RenderedChat"]


@dataclass(frozen=True, kw_only=True)
class RenderedChat:
    """A conversation as the model sees it.

    Attributes:
        token_ids: The prompt.
        thinking: The prompt ends with an opened thinking tag.
        tools: Functions whose calls are looked for in the answer.
        begun_call: The start of a call that the prompt ends with, because a call was demanded.
    """

    token_ids: list[int]
    thinking: bool
    tools: Sequence[ToolFunction]
    begun_call: str


class ConversationRenderer:
    """The model's own template, and the tokens of what it writes.

    Args:
        template: Messages to text; None where the model has none.
        tokenizer: Text to ids.
        forced_system_prompt: Deviation: takes the place of every conversation's system message.
    """

    def __init__(
        self, template: ChatTemplate | None, tokenizer: ModelTokenizer, *, forced_system_prompt: str | None = None
    ) -> None:
        self._template = template
        self._tokenizer = tokenizer
        self._forced_system_prompt = forced_system_prompt

    def render(self, body: ChatPrompt, fit: AnyLength | PromptFit) -> RenderedChat:
        """Renders the conversation of a request.

        Args:
            body: The conversation, and what is to be called.
            fit: Cuts the prompt or refuses it.

        Raises:
            ApiError: 400 where the model has no template, the template refuses the messages, or the request contradicts
                itself.
        """
        template = self._template
        if template is None:
            raise bad_request("This model has no chat template: use /v1/completions.", param="messages")
        if body.continue_final_message and body.add_generation_prompt:
            raise bad_request("continue_final_message and add_generation_prompt exclude each other.", param="messages")
        tools = body.tools if body.tools and body.tool_choice != "none" else None
        if tools and not template.takes_tools:
            raise bad_request("This model's chat template has no place for tools.", param="tools")
        try:
            text = template.render(
                _with_system_prompt([_plain(message) for message in body.messages], self._forced_system_prompt),
                tools=[tool.model_dump(exclude_none=True) for tool in tools] if tools else None,
                add_generation_prompt=body.add_generation_prompt is not False,
                continue_final_message=body.continue_final_message,
                variables=body.chat_template_kwargs,
            )
        except PromptError as error:
            raise bad_request(str(error), param="messages") from error
        begun = _begun_call(body)
        token_ids = self._tokenizer.encode(fit.text(text + begun), add_special_tokens=False)
        return RenderedChat(
            token_ids=fit.cut(token_ids),
            thinking=text.rstrip().endswith(THINK_OPEN),
            tools=[tool.function for tool in tools or ()],
            begun_call=begun,
        )


def _plain(message: ChatMessage) -> Message:
    """A message as templates expect it: text content, arguments of calls as objects."""
    plain: Message = {"role": message.role, "content": _content_text(message)}
    thinking = message.reasoning_content if message.reasoning_content is not None else message.reasoning
    if thinking is not None:
        plain["reasoning_content"] = thinking
    if message.tool_call_id is not None:
        plain["tool_call_id"] = message.tool_call_id
    if message.name is not None and message.role == "tool":
        plain["name"] = message.name
    if message.tool_calls:
        plain["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.function.name, "arguments": _arguments(call.function.arguments)},
            }
            for call in message.tool_calls
        ]
    return plain


def _content_text(message: ChatMessage) -> str:
    if isinstance(message.content, list):
        return "".join(part.text for part in message.content)
    return message.content or ""


def _arguments(text: str) -> Any:
    """Arguments come as JSON text; what is none stays text, as it was given."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _with_system_prompt(messages: list[Message], system_prompt: str | None) -> list[Message]:
    """The impostor's system prompt in place of the conversation's own."""
    if system_prompt is None:
        return messages
    own = bool(messages) and messages[0]["role"] == "system"
    return [{"role": "system", "content": system_prompt}, *messages[own:]]


def _begun_call(body: ChatPrompt) -> str:
    """A demanded call is opened for the model: its output is not constrained beyond that."""
    if not body.tools and body.tool_choice not in (None, "none", "auto"):
        raise bad_request("tool_choice demands a call, but there are no tools.", param="tool_choice")
    if isinstance(body.tool_choice, NamedToolChoice):
        name = body.tool_choice.function.name
        if name not in {tool.function.name for tool in body.tools or ()}:
            raise bad_request(f"tool_choice names {name[:80]!r}, which is not among the tools.", param="tool_choice")
        return f'{CALL_OPEN}\n{{"name": {json.dumps(name)}, "arguments": '
    return f'{CALL_OPEN}\n{{"name": "' if body.tool_choice == "required" else ""
