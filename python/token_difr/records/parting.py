"""A place where a provider's output parts from the reference."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Parting"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Parting:
    """One position where the claimed token is not the reference token.

    Attributes:
        sequence: Index of the sequence.
        position: Index of the token in the output.
        context: The output's text just before it, safe to show.
        claimed: The claimed token's text, safe to show.
        expected: The likeliest token's text, safe to show.
        margin_bound: How far the claimed token was from being chosen, at least, in nats.
        status: The position's status, lower case.
    """

    sequence: int
    position: int
    context: str
    claimed: str
    expected: str
    margin_bound: float
    status: str
