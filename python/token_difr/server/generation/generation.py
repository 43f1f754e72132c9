"""One sequence: what it was asked for, and what it has become."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from token_difr.server.generation.logprob_rows import LogprobRows
from token_difr.server.generation.sampling import SamplingSettings, TokenSampler
from token_difr.server.generation.sampling.faults import NO_FAULTS, SamplerFaults
from token_difr.server.generation.text.output_text import OutputText

__all__ = ["FinishReason", "Generation", "GenerationSpec"]


class FinishReason(StrEnum):
    """Why a sequence ended."""

    STOP = "stop"
    LENGTH = "length"


@dataclass(frozen=True, kw_only=True)
class GenerationSpec:
    """What one sequence is asked for; checked by whoever makes it.

    Attributes:
        prompt: Token ids, at least one.
        max_tokens: Largest number of tokens to generate; 0 = only score the prompt.
        sampling: How tokens are chosen.
        end_token_ids: Tokens that end the output; the one that came is its last token.
        stop_token_ids: Those of them that the request names and the model does not.
        keeps_stop: What ended the output stays in its text.
        min_tokens: No token before this number ends the output.
        logprobs: Number of likeliest tokens reported with each generated one; None = no logprobs.
        prompt_logprobs: The same for the prompt's tokens.
        chosen_ids: Tokens whose logprobs are reported at every position that reports any.
        sampling_logprobs: Also report each generated token's logprob after temperature, penalties and filters.
    """

    prompt: Sequence[int]
    max_tokens: int
    sampling: SamplingSettings = field(default_factory=SamplingSettings)
    end_token_ids: frozenset[int] = frozenset()
    stop_token_ids: frozenset[int] = frozenset()
    keeps_stop: bool = False
    min_tokens: int = 0
    logprobs: int | None = None
    prompt_logprobs: int | None = None
    chosen_ids: tuple[int, ...] = ()
    sampling_logprobs: bool = False


class Generation:
    """The state of one sequence. The scheduler's thread writes it, others read what is finished.

    Args:
        spec: What was asked for.
        vocabulary_size: Width of the logits.
        text: Follows the output's text, for stop strings and streams; None = the text is made at the end by others.
        faults: What the sampler gets wrong on purpose.
        on_change: Called from the scheduler's thread after each token (``text`` given) and at the end.
    """

    def __init__(
        self,
        spec: GenerationSpec,
        vocabulary_size: int,
        *,
        text: OutputText | None = None,
        faults: SamplerFaults = NO_FAULTS,
        on_change: Callable[[], None] | None = None,
    ) -> None:
        self.spec = spec
        self.text = text
        self.output: list[int] = []
        self.output_rows: list[LogprobRows] = []
        self.sampling_logprobs: list[float] = []
        self.prompt_rows: LogprobRows | None = None
        self.chosen_in_prompt: list[NDArray[np.float32]] = []
        self.chosen_in_output: list[NDArray[np.float32]] = []
        self.finish_reason: FinishReason | None = None
        self.error: Exception | None = None
        self.cancelled = False
        self.cached_tokens = 0
        self.done = False
        self.times = {"submitted": time.monotonic()}
        self._sampler = TokenSampler(spec.sampling, vocabulary_size)
        self._random_tokens = faults.random_tokens(spec.prompt, vocabulary_size)
        self._top_k_bug = faults.top_k_bug(spec.prompt)
        self._on_change = on_change

    @property
    def length(self) -> int:
        """Tokens of prompt and output together."""
        return len(self.spec.prompt) + len(self.output)

    @property
    def stop_string(self) -> str | None:
        """The stop string that ended it; None where none did."""
        return None if self.text is None else self.text.stopped_by

    @property
    def stop_reason(self) -> str | int | None:
        """vLLM's: the stop string or the id of the request's stop token that ended it; None where neither did."""
        last = self.output[-1] if self.finish_reason is FinishReason.STOP and self.output else None
        return self.stop_string or (last if last in self.spec.stop_token_ids else None)

    @property
    def shown_output(self) -> list[int]:
        """The tokens whose text is shown: all but the one that ended the output, unless that is kept."""
        ends = bool(self.output) and self._ends_with(self.output[-1])
        return self.output[:-1] if ends and not self.spec.keeps_stop else self.output

    def choose(self, logits: NDArray[np.float32]) -> int:
        """The next token by the sampling rule, before :meth:`append`."""
        if self._top_k_bug is not None:
            logits = self._top_k_bug.apply(logits)
        token = self._sampler.choose(logits, self.spec.prompt, self.output)
        if self._random_tokens is not None:
            token = self._random_tokens.replace(token)
        if self.spec.sampling_logprobs:
            self.sampling_logprobs.append(self._sampler.sampling_logprob(token))
        return token

    def append(self, token: int, row: LogprobRows | None) -> None:
        """Takes one generated token and decides whether the sequence ends with it."""
        if not self.output:
            self.times["first_token"] = time.monotonic()
        if row is not None:
            self.output_rows.append(row)
        self.output.append(token)
        ended = self._ends_with(token)
        hidden = ended and not self.spec.keeps_stop
        if self.text is not None and self.text.push(token, ended=hidden, stops=len(self.output) > self.spec.min_tokens):
            ended = True
        if ended:
            self.finish(FinishReason.STOP)
        elif len(self.output) >= self.spec.max_tokens:
            self.finish(FinishReason.LENGTH)
        elif self.text is not None:
            self._notify()

    def _ends_with(self, token: int) -> bool:
        # The token stands in the output already. Before min_tokens only a fault of the sampler brings an end token.
        return token in self.spec.end_token_ids and len(self.output) > self.spec.min_tokens

    def finish(self, reason: FinishReason) -> None:
        """Ends the sequence; what was held back of its text is released."""
        if self.text is not None:
            self.text.close()
        self.finish_reason = reason
        self._end()

    def fail(self, error: Exception) -> None:
        """Ends the sequence with an error instead of an answer."""
        self.error = error
        self._end()

    def _end(self) -> None:
        self.times["done"] = time.monotonic()
        self.done = True
        self._notify()

    def _notify(self) -> None:
        if self._on_change is not None:
            self._on_change()
