"""Outputs that are no answers."""

from __future__ import annotations

from collections.abc import Sequence

from token_difr.findings.evidence import Evidence
from token_difr.records import Finding

__all__ = ["odd_counts", "odd_outputs"]

SHORT = 3
"""Outputs below this many tokens are short."""
MANY = 0.2
"""Share of odd outputs from which on they are a warning."""


def odd_counts(outputs: Sequence[Sequence[int]]) -> dict[str, int]:
    """How many outputs are empty, short, or one token over and over, by these words."""
    return {
        "empty": sum(not ids for ids in outputs),
        "short": sum(0 < len(ids) < SHORT for ids in outputs),
        "constant": sum(len(ids) >= SHORT and len(set(ids)) == 1 for ids in outputs),
    }


def odd_outputs(evidence: Evidence) -> Finding | None:
    """Outputs that are empty, short, of one token over and over, or that decode to broken characters.

    A warning where they are more than a fifth: the verdict rests on little then. Read some of the answers, and ask other
    prompts or for longer answers; where the provider alone gives such, that is what the audit found.
    """
    outputs = [list(sequence.output_token_ids) for sequence in evidence.sequences]
    if not outputs:
        return None
    tokenizer = evidence.tokenizer
    # The last character may be cut by the length limit.
    undecodable = 0 if tokenizer is None else sum("\ufffd" in tokenizer.decode(ids)[:-1] for ids in outputs)
    figures = {**odd_counts(outputs), "undecodable": undecodable}
    odd = {name: count for name, count in figures.items() if count}
    if not odd:
        return None
    words = ", ".join(f"{count} {name}" for name, count in odd.items())
    text = f"of {len(outputs)} outputs are {words}: little can be read off these"
    many = sum(odd.values()) > MANY * len(outputs)
    return Finding.of("odd_outputs", text, {"outputs": len(outputs), **figures}, warning=many)
