"""Whether ties were picked by a reference of the precision that the provider claims."""

from __future__ import annotations

from token_difr.records import Finding
from token_difr.ties.tie import TieSet
from token_difr.untrusted import printable

__all__ = ["NAME", "precision_mismatch", "same_precision"]

NAME = "tie_precision"

_SAME = {
    "fp32": "float32", "f32": "float32", "float": "float32",
    "bf16": "bfloat16",
    "fp16": "float16", "f16": "float16", "half": "float16",
}  # fmt: skip
"""Other names -> torch's."""


def precision_mismatch(ties: TieSet, claimed: str | None) -> Finding | None:
    """A warning where both precisions are stated and are not the same; names of any case and style.

    Ties are where rounding shows: a provider that keeps its word flips some that a finer reference picked, and one that
    rounds less than it says flips fewer.
    """
    if ties.precision is None or claimed is None or same_precision(ties.precision, claimed):
        return None
    picked = printable(ties.precision)
    text = (
        f"the ties were picked by a reference in {picked}, and the provider claims {printable(claimed)}: some fall the other way by "
        "that alone. Pick ties by a reference of the claimed precision, or see that the baseline is of it"
    )
    return Finding.of(NAME, text, {"picked": ties.precision, "claimed": claimed}, warning=True)


def same_precision(one: str, other: str) -> bool:
    """Whether two names mean the same; of any case and style."""
    return _named(one) == _named(other)


def _named(precision: str) -> str:
    plain = precision.strip().lower().removeprefix("torch.")
    return _SAME.get(plain, plain)
