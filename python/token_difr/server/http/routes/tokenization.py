"""``POST /tokenize`` and ``POST /detokenize``, in vLLM's form."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field

from token_difr.server.answers.requests.bodies import ChatMessage, ChatPrompt, StrictBody, TokenId, Tool
from token_difr.server.answers.requests.error import bad_request
from token_difr.server.answers.served_model import ServedModel
from token_difr.server.http.json_bodies import JsonRoute

__all__ = ["tokenization_router"]


class TokenizeRequest(StrictBody):
    """Either a text or a conversation."""

    model: str | None = None
    prompt: str | None = None
    messages: Annotated[list[ChatMessage], Field(min_length=1)] | None = None
    tools: list[Tool] | None = None
    chat_template_kwargs: dict[str, Any] | None = None
    add_generation_prompt: bool | None = None
    continue_final_message: bool = False
    add_special_tokens: bool = Field(default=True, description="for a text; a conversation's template writes its own")
    return_token_strs: bool = False


class DetokenizeRequest(StrictBody):
    """Token ids."""

    model: str | None = None
    tokens: list[TokenId]


def tokenization_router(model: ServedModel) -> APIRouter:
    """The routes on this model."""
    router = APIRouter(route_class=JsonRoute)
    tokenizer = model.tokenizer

    @router.post("/tokenize")
    async def tokenize(body: TokenizeRequest) -> dict[str, Any]:
        """The token ids of a text or of a conversation."""
        model.check_name(body.model)
        tokens = _tokens(body, model)
        return {
            "count": len(tokens),
            "max_model_len": model.limits.context_length,
            "tokens": tokens,
            "token_strs": [tokenizer.token_text(token) for token in tokens] if body.return_token_strs else None,
        }

    @router.post("/detokenize")
    async def detokenize(body: DetokenizeRequest) -> dict[str, str]:
        """The text of token ids, special tokens written out."""
        model.check_name(body.model)
        return {"prompt": tokenizer.decode(body.tokens, skip_special_tokens=False)}

    return router


def _tokens(body: TokenizeRequest, model: ServedModel) -> list[int]:
    if (body.prompt is None) == (body.messages is None):
        raise bad_request("Give either prompt or messages.", param="prompt")
    if body.messages is None:
        return model.tokenizer.encode(body.prompt or "", add_special_tokens=body.add_special_tokens)
    chat = ChatPrompt(
        messages=body.messages,
        tools=body.tools,
        chat_template_kwargs=body.chat_template_kwargs,
        add_generation_prompt=body.add_generation_prompt,
        continue_final_message=body.continue_final_message,
    )
    return model.conversations.render(chat).token_ids
