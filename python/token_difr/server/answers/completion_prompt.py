"""The prompts of a completion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from token_difr.server.answers.prompt_fit import PromptFit
from token_difr.server.answers.requests.bodies import CompletionRequest
from token_difr.server.answers.requests.error import bad_request
from token_difr.server.answers.served_model import ServedModel
from token_difr.server.model.tokenizer import ModelTokenizer

__all__ = ["DEFAULT_MAX_TOKENS", "CompletionPrompt"]

DEFAULT_MAX_TOKENS = 16
"""OpenAI's."""


@dataclass(frozen=True, kw_only=True)
class CompletionPrompt:
    """One prompt of a request.

    Attributes:
        token_ids: What the model is fed.
        echoed: How many of its last tokens are echoed; None = all, 0 = none.
        text: The echoed text.
        from_text: Whether the request gave it as text.
    """

    token_ids: list[int]
    echoed: int | None
    text: str
    from_text: bool

    @classmethod
    def all_of(cls, body: CompletionRequest, model: ServedModel) -> list[CompletionPrompt]:
        """The prompts of a request: a list of integers is one, a list of texts or of lists is several."""
        given: Any = body.prompt
        if isinstance(given, str) or (given and isinstance(given[0], int)):
            given = [given]
        if not given:
            raise bad_request("prompt is an empty list.", param="prompt")
        model.limits.check_sequences(len(given) * body.n)
        wanted = DEFAULT_MAX_TOKENS if body.max_tokens is None else body.max_tokens
        fit = PromptFit(body, model.limits, wanted)
        return [cls._of(prompt, body, model.tokenizer, fit) for prompt in given]

    @classmethod
    def _of(
        cls, given: str | list[int], body: CompletionRequest, tokenizer: ModelTokenizer, fit: PromptFit
    ) -> CompletionPrompt:
        from_text = isinstance(given, str)
        fed = fit.text(given) if isinstance(given, str) else given
        whole = tokenizer.encode(fed, add_special_tokens=body.add_special_tokens) if isinstance(fed, str) else fed
        ids = fit.cut(whole)
        echoed = None if body.echo else 0 if body.echo_last is None else body.echo_last
        if echoed is not None and echoed >= len(ids) > 0:
            echoed = None
        if echoed is None and isinstance(given, str) and fed == given and len(ids) == len(whole):
            text = given
        else:
            text = tokenizer.decode(ids if echoed is None else ids[len(ids) - echoed :], skip_special_tokens=False)
        return cls(token_ids=ids, echoed=echoed, text=text, from_text=from_text)

    @property
    def is_echoed(self) -> bool:
        """Whether any of it is echoed."""
        return self.echoed != 0
