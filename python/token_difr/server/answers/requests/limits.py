"""How much a request may ask for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from token_difr.server.answers.requests.error import bad_request

__all__ = ["AskedLogprobs", "Limits"]

LONGEST_TEXT = 2**18
"""Bytes that are tokenized whatever the context: a token takes some 400 bytes of memory meanwhile, and may stand for one."""
USUAL_BYTES_A_TOKEN = 64
"""Taken where a tokenizer has no longest token: ample for the mean of any text."""


@dataclass(frozen=True, kw_only=True)
class AskedLogprobs:
    """The logprobs that a sequence reports, as the request asks for them.

    Attributes:
        output: Number of likeliest tokens with each generated one; -1 = the whole vocabulary; None = no logprobs.
        prompt: The same for the prompt's tokens; -1 = the whole vocabulary.
        sampling: Also each generated token's logprob after the filters.
        chosen_ids: Tokens whose logprobs are reported at every position.
        output_field: What the request calls ``output``, for errors.
        chosen_field: What it calls ``chosen_ids``.
    """

    output: int | None = None
    prompt: int | None = None
    sampling: bool = False
    chosen_ids: tuple[int, ...] = ()
    output_field: str = "logprobs"
    chosen_field: str = "token_ids_logprob"


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a model can take, and what its server gives.

    Attributes:
        context_length: Largest number of tokens, prompt and output together.
        vocabulary_size: Width of the logits: token ids lie below it.
        max_logprobs: Largest number of likeliest tokens a position; -1 = the whole vocabulary.
        max_sequences: Sequences that may wait, so the most that one request can have.
        max_request_tokens: Most output tokens that all sequences of one request may ask for together.
        bytes_a_token: Most bytes of text that one token can stand for; None = there is no such number.
    """

    context_length: int
    vocabulary_size: int
    max_logprobs: int
    max_sequences: int
    max_request_tokens: int = 2**20
    bytes_a_token: int | None = None

    def check_sequences(self, count: int) -> None:
        """Refuses a request for more sequences than ever wait: before they are built, which costs time and memory."""
        if count > self.max_sequences:
            message = f"The request asks for {count} sequences; this server takes {self.max_sequences}."
            raise bad_request(message, param="n")

    def check_output(self, sequences: int, max_tokens: int) -> None:
        """Refuses a request whose sequences are too long together.

        Args:
            sequences: How many there are.
            max_tokens: Tokens of each.
        """
        total = sequences * max_tokens
        if total > self.max_request_tokens:
            raise bad_request(
                f"The request asks for {total} tokens in {sequences} sequences; "
                f"this server generates at most {self.max_request_tokens} a request.",
                param="max_tokens",
            )

    def check_text(self, text: str) -> None:
        """Refuses a text that cannot fit, by its bytes: to count its tokens would take long."""
        if self.bytes_a_token is None:
            self.check_size(text)
            return
        least = -(-len(text.encode()) // self.bytes_a_token)
        if least > self.context_length:
            message = (
                f"This model's maximum context length is {self.context_length} tokens. However, your prompt has at "
            )
            raise bad_request(f"{message}least {least} tokens.", param="prompt", code="context_length_exceeded")

    def check_size(self, text: str) -> None:
        """Refuses a text that would take too much memory to tokenize, though nothing says that it must fit the context."""
        size = len(text.encode())
        most = max(LONGEST_TEXT, self.context_length * (self.bytes_a_token or USUAL_BYTES_A_TOKEN))
        if size > most:
            message = f"The text has {size} bytes; this server tokenizes at most {most} at once: send it in parts."
            raise bad_request(message, param="prompt", code="context_length_exceeded")

    def kept_tokens(self, wanted: int, *, reserved: int | None) -> int:
        """How many tokens stay of a prompt that is cut.

        Args:
            wanted: What the request says; -1 = as many as fit.
            reserved: Tokens that -1 leaves room for; None = one.
        """
        if wanted == 0 or wanted > self.context_length:
            message = f"truncate_prompt_tokens must be -1 or from 1 to the context length {self.context_length}."
            raise bad_request(message, param="truncate_prompt_tokens")
        return wanted if wanted != -1 else max(self.context_length - (1 if reserved is None else reserved), 1)

    def output_tokens(self, prompt: Sequence[int], max_tokens: int | None, *, default: int | None) -> int:
        """The number of tokens to generate; 400 where prompt and output do not fit.

        Args:
            prompt: Token ids.
            max_tokens: What the request asks for.
            default: Taken where the request asks for nothing; None = all that is left of the context.
        """
        context, width = self.context_length, self.vocabulary_size
        if not prompt:
            raise bad_request("The prompt is empty: at least one token is needed.", param="prompt")
        if max(prompt) >= width:
            raise bad_request(
                f"The prompt holds token id {max(prompt)}; the model's ids end at {width - 1}.", param="prompt"
            )
        left = context - len(prompt)
        wanted = max_tokens if max_tokens is not None else (left if default is None else min(default, max(left, 0)))
        # A full context leaves nothing to generate: that is an answer only to a request for nothing.
        if left < 0 or wanted > left or (left == 0 and max_tokens is None):
            raise bad_request(
                f"This model's maximum context length is {context} tokens. However, you requested "
                f"{len(prompt) + max(wanted, 0)} tokens ({len(prompt)} in the prompt, {max(wanted, 0)} for the completion): "
                f"{self._room(left)}",
                param="max_tokens" if left > 0 else "prompt",
                code="context_length_exceeded",
            )
        return wanted

    def checked(self, logprobs: AskedLogprobs) -> AskedLogprobs:
        """The logprobs that are given: -1 becomes the width of the vocabulary. 400 where more is asked than is given."""
        return replace(
            logprobs,
            output=self._count(logprobs.output, logprobs.output_field),
            prompt=self._count(logprobs.prompt, "prompt_logprobs"),
            chosen_ids=self._chosen_ids(logprobs.chosen_ids, logprobs.chosen_field),
        )

    def _count(self, count: int | None, param: str) -> int | None:
        if count == -1:
            count = self.vocabulary_size
        if count is not None and self.max_logprobs != -1 and count > self.max_logprobs:
            limit = f"this server gives at most {self.max_logprobs} likeliest tokens a position"
            raise bad_request(f"{param} is {count}; {limit}, and -1 asks for all of the vocabulary.", param=param)
        return count

    def _chosen_ids(self, token_ids: Sequence[int], param: str) -> tuple[int, ...]:
        """Tokens that a request names, to be reported at every position; 400 for too many or unknown ones."""
        if 0 <= self.max_logprobs < len(token_ids):
            raise bad_request(
                f"{param} names {len(token_ids)} ids; this server gives at most {self.max_logprobs} logprobs a position.",
                param=param,
            )
        self.check_ids(token_ids, param)
        return tuple(token_ids)

    def check_ids(self, token_ids: Sequence[int], param: str) -> None:
        """Refuses ids that the model does not have."""
        if max(token_ids, default=0) >= self.vocabulary_size:
            largest, end = max(token_ids), self.vocabulary_size - 1
            raise bad_request(
                f"{param} holds the id {largest}, which the model does not have: its ids end at {end}.", param=param
            )

    @staticmethod
    def _room(left: int) -> str:
        return f"max_tokens can be at most {left}." if left > 0 else "the prompt leaves no room."
