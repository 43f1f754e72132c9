"""Any endpoint with OpenAI's completions and ``echo``: parallel lists, dictionaries of strings; Together's form too.

Tokens come back as strings. Those of one token alone become its id; a string of several tokens is the claimed token's
where text and value say so, else unresolved. Colliding strings lose entries, so that rows are not contiguous, unless the
server writes ``token_id:N``.

Where an endpoint takes text alone, the decoded sequence is sent, and the echo decides: it must be the tokens that were
meant, one leading token more at most. Not a second beginning-of-text token, though, which moves every logprob: where a
server adds one to a text that spells its own, that is left off the text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from token_difr.errors import AnswerError, EndpointError
from token_difr.records import TokenSequence, TopKBatch
from token_difr.reference.rows import sent_tokens
from token_difr.reference.served import ServedReference
from token_difr.reference.token_names import decoded
from token_difr.sequences import is_special

if TYPE_CHECKING:
    from openai import AsyncOpenAI

    from token_difr.sequences import Tokenizer

__all__ = ["CompletionsReference", "TogetherReference"]


class CompletionsReference(ServedReference):
    """An endpoint with OpenAI's completions. Ids are sent; where they are refused (HTTP 400 or 422), text.

    Arguments: :class:`~token_difr.reference.served.ServedReference`; the tokenizer is needed.
    """

    dialect = "completions"
    form = "legacy"
    echo_check = "by their names and their number"
    names_tokens = True
    needs_tokenizer = True
    path = "/completions"
    sends_text: ClassVar[bool] = False
    """Whether the endpoint takes no ids at all."""

    def __init__(
        self, client: AsyncOpenAI, model: str, *, topk_logprobs: int = 20, tokenizer: Tokenizer | None = None
    ) -> None:
        super().__init__(client, model, topk_logprobs=topk_logprobs, tokenizer=tokenizer)
        self._as_text = self.sends_text
        self._adds_start = False

    async def rows(self, sequence: TokenSequence, *, tag: str) -> TopKBatch:
        """See :meth:`Reference.rows`."""
        sent, prompt_length = sent_tokens(sequence)
        left_off = self._adds_start
        content = await self._answer(sent.tolist(), prompt_length, tag=tag)
        try:
            return self._to_batch(content, sent, prompt_length, tag=tag)
        except AnswerError as error:
            if not self._as_text or left_off or not self._spells_start(sent.tolist()):
                raise
            without = {**self._body(sent.tolist(), prompt_length), "prompt": self._text(sent.tolist(), left_off=True)}
            content = await self._post(without, tag=tag)
            try:
                batch = self._to_batch(content, sent, prompt_length, tag=tag)
            except AnswerError:
                raise error from error.__cause__  # the beginning was not what it choked on
            self._adds_start = True
            return batch

    async def _answer(self, sent: list[int], prompt_length: int, *, tag: str) -> bytes:
        as_text = self._as_text
        body = self._body(sent, prompt_length)
        try:
            return await self._post(body, tag=tag)
        except EndpointError as error:
            if as_text or getattr(error.__cause__, "status_code", None) not in {400, 422}:
                raise
            try:
                content = await self._post({**body, "prompt": self._text(sent, left_off=self._adds_start)}, tag=tag)
            except EndpointError:
                raise error from error.__cause__  # text is no better: the first refusal tells more
            self._as_text = True
            return content

    def _text(self, sent: list[int], *, left_off: bool) -> str:
        """The tokens as text; with ``left_off`` without the beginning that the server adds by itself."""
        return decoded(self._tokenizer_needed(), sent[1:] if left_off and self._spells_start(sent) else sent)

    def _spells_start(self, sent: list[int]) -> bool:
        """Whether the first token is a special one, which may be the one that servers add to texts."""
        return bool(sent) and is_special(sent[0], self._tokenizer_needed())

    def _body(self, sent: list[int], prompt_length: int) -> dict[str, Any]:
        del prompt_length
        prompt = self._text(sent, left_off=self._adds_start) if self._as_text else sent
        return {
            "model": self.model,
            "prompt": prompt,
            "max_tokens": 1,
            "temperature": 0,
            "echo": True,
            "logprobs": self.topk_logprobs,
        }


class TogetherReference(CompletionsReference):
    """Together: text only, at most 20 entries a row; the prompt's lists stand in ``prompt[0].logprobs``.

    Arguments: :class:`~token_difr.reference.served.ServedReference`; the tokenizer is needed.
    """

    dialect = "together"
    echo_check = "by their ids or names, and their number"
    topk_limit = 20
    sends_text = True
