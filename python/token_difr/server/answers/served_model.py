"""The model as answers see it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeVar

from token_difr.server.answers.conversation import ConversationRenderer
from token_difr.server.answers.requests.bodies import GenerationFields
from token_difr.server.answers.requests.error import ApiError, bad_request
from token_difr.server.answers.requests.limits import Limits
from token_difr.server.answers.requests.sampling import SamplingRules
from token_difr.server.generation.sampling.faults import SamplerFaults
from token_difr.server.model.tokenizer import ModelTokenizer

__all__ = ["ServedModel"]

Fields = TypeVar("Fields", bound=GenerationFields)


TOKEN_FIELDS = (
    "logprobs",
    "top_logprobs",
    "prompt_logprobs",
    "logprob_token_ids",
    "return_token_ids",
    "return_tokens_as_token_ids",
)


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
        tokenizer_info: What the model's folder says of its tokenizer; JSON values.
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
    tokenizer_info: dict[str, Any] = field(default_factory=dict)

    def masks(self, fields: GenerationFields) -> dict[str, Any]:
        """What a request rules out, by the names of :class:`~token_difr.server.generation.sampling.SamplingSettings`.

        Raises:
            ApiError: 400 where it names tokens that the model does not have.
        """
        named, allowed = fields.stop_token_ids or [], fields.allowed_token_ids
        self.limits.check_ids(allowed or [], "allowed_token_ids")
        known = frozenset(token for token in named if token < self.limits.vocabulary_size)
        return {
            "min_tokens": fields.min_tokens,
            # vLLM rules out the model's own too, even where ignore_eos makes them end nothing.
            "end_token_ids": known | self.end_token_ids,
            "allowed_token_ids": None if allowed is None else tuple(allowed),
            "bad_words": tuple(tokens for word in fields.bad_words or () for tokens in self._spellings(word)),
        }

    def _spellings(self, word: str) -> list[tuple[int, ...]]:
        """The tokens of a text at the start of an output and, where a space makes them others of the same number, behind one.

        vLLM's rule.
        """
        plain, spaced = (
            tuple(self.tokenizer.encode(start + word.lstrip(), add_special_tokens=False)) for start in ("", " ")
        )
        if not plain:
            raise bad_request(f"bad_words holds {word[:40]!r}, which has no tokens.", param="bad_words")
        differs = len(spaced) == len(plain) and spaced[0] != plain[0]
        return [plain, spaced] if differs else [plain]

    def granted(self, body: Fields) -> Fields:
        """The request as this model grants it: one that tells text alone drops what asks for tokens, without a word."""
        return (
            body.model_copy(update={name: type(body).model_fields[name].default for name in TOKEN_FIELDS})
            if self.text_only
            else body
        )

    def check_name(self, name: str | None) -> None:
        """Refuses a request for another model; a request without a name means this one."""
        if name is not None and name != self.name:
            message = f"The model '{name[:200]}' does not exist. This server has '{self.name}'."
            raise ApiError(404, message, param="model", code="model_not_found")
