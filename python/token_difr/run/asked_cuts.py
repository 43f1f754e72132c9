"""Every cut that a repair has asked the reference for, with its rows: kept or refused, none is paid for twice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from token_difr.records import TopKBatch
from token_difr.run.rows import batch_from_record, batch_to_record

__all__ = ["AskedCut", "cut_from_record", "cut_to_record"]


class AskedCut(NamedTuple):
    """A cut and what the reference said of it.

    Attributes:
        sequence: The index of its sequence.
        tokens: The output as it was cut.
        rows: Their rows, a batch of one sequence.
    """

    sequence: int
    tokens: tuple[int, ...]
    rows: TopKBatch


def cut_to_record(cut: AskedCut) -> dict[str, Any]:
    """A cut as JSON values by name."""
    return {"sequence": cut.sequence, "output_token_ids": list(cut.tokens), **batch_to_record(cut.rows)}


def cut_from_record(record: Mapping[str, Any]) -> AskedCut:
    """The inverse of :func:`cut_to_record`; raises what :func:`~token_difr.run.rows.batch_from_record` does."""
    return AskedCut(record["sequence"], tuple(record["output_token_ids"]), batch_from_record(record))
