"""The scores of one token as an object, as users of token-difr 0.1 know them."""

from __future__ import annotations

from dataclasses import asdict, dataclass

__all__ = ["TokenMetrics"]


@dataclass
class TokenMetrics:
    """Scores of one claimed token, in built-in types.

    Attributes:
        exact_match: The claimed token is the reference token.
        prob: Probability of the claimed token under the reference, in [0, 1]; 0 where it is unknown.
        margin: How far the claimed token was from being chosen, in nats, at least 0; ``inf`` where unbounded.
        logit_rank: Number of candidates with a larger logprob.
        gumbel_rank: Number of candidates with a larger noised logprob; ``logit_rank`` at temperature 0.
    """

    exact_match: bool
    prob: float
    margin: float
    logit_rank: float
    gumbel_rank: float

    def to_dict(self) -> dict[str, bool | float]:
        """The five values by name."""
        return asdict(self)
