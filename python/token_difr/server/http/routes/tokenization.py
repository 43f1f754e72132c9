"""``POST /tokenize``, ``POST /detokenize`` and ``GET /tokenizer_info``, in vLLM's form."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from fastapi import APIRouter
from pydantic import Field

from token_difr.server.answers.prompt_fit import AnyLength
from token_difr.server.answers.requests.error import bad_request
from token_difr.server.answers.requests.messages import ChatMessage, ChatPrompt, Tool
from token_difr.server.answers.requests.strict import FirstFault, StrictBody, TokenId
from token_difr.server.answers.served_model import ServedModel
from token_difr.server.http.body_parts import turn_of
from token_difr.server.http.json_bodies import JsonRoute
from token_difr.server.http.off_loop import off_loop
from token_difr.server.http.served_models import ServedModels

__all__ = ["tokenization_router"]


class TokenizeRequest(StrictBody):
    """Either a text or a conversation."""

    part: ClassVar[str] = "tokenize"

    model: str | None = None
    prompt: str | None = None
    messages: Annotated[list[ChatMessage], Field(min_length=1), FirstFault] | None = None
    tools: Annotated[list[Tool], FirstFault] | None = None
    chat_template_kwargs: dict[str, Any] | None = None
    add_generation_prompt: bool | None = None
    continue_final_message: bool = False
    add_special_tokens: bool = True
    return_token_strs: bool = False


class DetokenizeRequest(StrictBody):
    """Token ids."""

    part: ClassVar[str] = "detokenize"

    model: str | None = None
    tokens: Annotated[list[TokenId], FirstFault]


def tokenization_router(models: ServedModels) -> APIRouter:
    """The routes."""
    router = APIRouter(route_class=JsonRoute)

    @router.post("/tokenize")
    async def tokenize(body: TokenizeRequest) -> dict[str, Any]:
        """The token ids of a text or of a conversation."""
        model = models.named(body.model).model
        tokens = await off_loop(_tokens, body, model)
        return {
            "count": len(tokens),
            "max_model_len": model.limits.context_length,
            "tokens": tokens,
            "token_strs": [model.tokenizer.token_text(token) for token in tokens] if body.return_token_strs else None,
        }

    @router.post("/detokenize")
    async def detokenize(body: DetokenizeRequest) -> dict[str, str]:
        """The text of token ids, special tokens written out."""
        tokenizer = models.named(body.model).model.tokenizer
        return {"prompt": await off_loop(tokenizer.decode, body.tokens, skip_special_tokens=False)}

    @router.get("/tokenizer_info")
    async def tokenizer_info(model: str | None = None) -> dict[str, Any]:
        """What the model's folder says of its tokenizer, with the chat template, as vLLM tells it."""
        return models.named(model).model.tokenizer_info

    return router


def _tokens(body: TokenizeRequest, model: ServedModel) -> list[int]:
    if (body.prompt is None) == (body.messages is None):
        raise bad_request("Give either prompt or messages.", param="prompt")
    if body.messages is None:
        text = body.prompt or ""
        model.limits.check_size(text)
        with turn_of(len(text)):
            return model.tokenizer.encode(text, add_special_tokens=body.add_special_tokens)
    chat = ChatPrompt(
        messages=body.messages,
        tools=body.tools,
        chat_template_kwargs=body.chat_template_kwargs,
        add_generation_prompt=body.add_generation_prompt,
        continue_final_message=body.continue_final_message,
    )
    return model.conversations.render(chat, AnyLength(model.limits)).token_ids
