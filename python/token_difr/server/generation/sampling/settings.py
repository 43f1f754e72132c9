"""How one request wants its tokens chosen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from token_difr.records import GREEDY_TEMPERATURE
from token_difr.sampler import Sampler

__all__ = ["DEFAULT_SAMPLER", "SamplingSettings"]

DEFAULT_SAMPLER = Sampler.parse("torch-cpu@2.13:filters=vllm")
"""torch's noise on a CPU, vLLM's filters."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SamplingSettings:
    """Sampling parameters of one sequence, already checked.

    Attributes:
        temperature: Divides the logits; below 1e-5 sampling is greedy.
        top_k: Keep the likeliest ``top_k`` tokens; 0 = off; 1 = greedy at any temperature.
        top_p: Keep the likeliest tokens whose mass reaches ``top_p``, in (0, 1]; 1 = off.
        min_p: Drop tokens below ``min_p`` times the largest probability, in [0, 1]; 0 = off.
        seed: Seed of the noise, in [0, 2^64).
        repetition_penalty: Divides positive and multiplies negative logits of tokens seen before; 1 = off.
        repetition_window: The last so many tokens count as seen; None = prompt and output.
        presence_penalty: Subtracted from the logits of tokens in the output; 0 = off.
        frequency_penalty: Subtracted once for each time that the output holds the token; 0 = off.
        logit_bias: Added to the logits, by token id.
        min_tokens: So many tokens come before one of ``end_token_ids`` may.
        end_token_ids: Tokens that end an output; ``min_tokens`` rules them out.
        allowed_token_ids: All others are ruled out; None = all are allowed.
        bad_words: Tokens of texts: the last is ruled out where those before it end the output.
        sampler: Whose noise is drawn, and in what order its filters act.
    """

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0
    seed: int = 0
    repetition_penalty: float = 1.0
    repetition_window: int | None = None
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    logit_bias: Mapping[int, float] = field(default_factory=dict)
    min_tokens: int = 0
    end_token_ids: frozenset[int] = frozenset()
    allowed_token_ids: tuple[int, ...] | None = None
    bad_words: tuple[tuple[int, ...], ...] = ()
    sampler: Sampler = DEFAULT_SAMPLER

    @property
    def greedy(self) -> bool:
        """Whether the likeliest token is taken, without noise."""
        return self.temperature < GREEDY_TEMPERATURE or self.top_k == 1

    @property
    def changes_logits(self) -> bool:
        """Whether a penalty or a bias acts before the temperature."""
        return bool(self.repetition_penalty != 1 or self.presence_penalty or self.frequency_penalty or self.logit_bias)

    @property
    def rules_out(self) -> bool:
        """Whether any token is ruled out, whatever its logit."""
        return bool(self.min_tokens or self.allowed_token_ids is not None or self.bad_words)
