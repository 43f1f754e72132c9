"""Fireworks' dialects: echo with logprobs of ``POST /inference/v1/completions``, from token ids.

* ``logprobs: true`` gives ``choices[0].logprobs.content``, one object a token with ids (``fireworks``); ``logprobs: k``
  the older parallel lists with dictionaries of strings (``fireworks-legacy``).
* Row j scores token j. Row 0 is present, with a value that nothing stands before: it means nothing, and is never removed
  before the output's rows are cut out. With ``echo_last`` the answer starts at a later token, and has no such row.
* The model's own logprobs are read, not ``sampling_logprob``.
* At most 5 entries a row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from token_difr.reference.served import ServedReference

if TYPE_CHECKING:
    from openai import AsyncOpenAI

    from token_difr.sequences import Tokenizer

__all__ = ["FireworksLegacyReference", "FireworksReference"]


class FireworksReference(ServedReference):
    """Fireworks, by its newer form.

    Args:
        client: See :class:`~token_difr.reference.served.ServedReference`, as for the next three.
        model: See there.
        topk_logprobs: See there; at most 5.
        tokenizer: See there; not needed.
        echo_last: Have only the output's tokens echoed: smaller answers, but the prompt's tokens go unchecked.
    """

    dialect = "fireworks"
    form = "content"
    echo_check = "by their ids"
    names_tokens = True
    path = "/completions"
    topk_limit = 5

    def __init__(
        self,
        client: AsyncOpenAI,
        model: str,
        *,
        topk_logprobs: int = 5,
        tokenizer: Tokenizer | None = None,
        echo_last: bool = False,
    ) -> None:
        super().__init__(client, model, topk_logprobs=topk_logprobs, tokenizer=tokenizer)
        self._echo_last = echo_last

    def _body(self, sent: list[int], prompt_length: int) -> dict[str, Any]:
        first = self._first(prompt_length)
        echo = {"echo_last": len(sent) - first} if first else {"echo": True}
        return {"model": self.model, "prompt": sent, "max_tokens": 1, "temperature": 0, **echo, **self._logprobs()}

    def _logprobs(self) -> dict[str, Any]:
        return {"logprobs": True, "top_logprobs": self.topk_logprobs}

    def _first(self, prompt_length: int) -> int:
        """First token that is echoed."""
        return prompt_length if self._echo_last else 0


class FireworksLegacyReference(FireworksReference):
    """Fireworks, by its older form: dictionaries of strings, so a tokenizer is needed. Arguments as there."""

    dialect = "fireworks-legacy"
    form = "legacy"
    echo_check = "by their names and their number"
    needs_tokenizer = True

    def _logprobs(self) -> dict[str, Any]:
        return {"logprobs": self.topk_logprobs}
