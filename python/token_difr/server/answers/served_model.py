"""The model as answers see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from token_difr.server.answers.conversation import ConversationRenderer
from token_difr.server.answers.requests.bodies import GenerationFields
from token_difr.server.answers.requests.error import ApiError
from token_difr.server.answers.requests.limits import Limits
from token_difr.server.answers.requests.sampling import SamplingRules
from token_difr.server.generation.sampling.faults import SamplerFaults
from token_difr.server.model.tokenizer import ModelTokenizer

__all__ = ["ServedModel"]

Fields = TypeVar("Fields", bound=GenerationFields)


TOKEN_FIELDS = ("logprobs", "top_logprobs", "prompt_logprobs", "return_token_ids", "return_tokens_as_token_ids")


@dataclass(frozen=True, kw_only=True)
class ServedModel:
    """What answers are made with: facts and rules, and nothing that runs.

    Attributes:
        name: What requests call it.
        tokenizer: Text to ids and back.
        conversations: Conversations to prompts.
        end_token_ids: Tokens that end an answer.
        leading_token: Token of one more row before the echoed logprobs of text prompts; None = no such row.
        text_only: Answers tell neither token ids nor logprobs, whatever is asked.
        limits: How much a request may ask for.
        sampling: What is done to the sampling of every request.
        faults: How often the sampler fails on purpose.
    """

    name: str
    tokenizer: ModelTokenizer
    conversations: ConversationRenderer
    end_token_ids: frozenset[int]
    leading_token: int | None
    text_only: bool
    limits: Limits
    sampling: SamplingRules
    faults: SamplerFaults

    def granted(self, body: Fields) -> Fields:
        """The request as this model grants it: one that tells text alone drops what asks for tokens, without a word."""
        return body.model_copy(update=dict.fromkeys(TOKEN_FIELDS)) if self.text_only else body

    def check_name(self, name: str | None) -> None:
        """Refuses a request for another model; a request without a name means this one."""
        if name is not None and name != self.name:
            message = f"The model '{name[:200]}' does not exist. This server has '{self.name}'."
            raise ApiError(404, message, param="model", code="model_not_found")
