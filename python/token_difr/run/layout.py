"""The files of a run directory, by name, and what of the audit's record each stage's file is made for."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["LOCK", "MADE_FOR", "MANIFEST", "PROMPTS", "REPAIRS", "REPORT", "RESPONSES", "ROWS", "SCORES", "SEQUENCES"]

MANIFEST = "run.json"
PROMPTS = "prompts.jsonl"
RESPONSES = "responses.jsonl"
SEQUENCES = "sequences.jsonl"
ROWS = "rows.jsonl"
REPAIRS = "repairs.jsonl"
SCORES = "scores.npz"
REPORT = "report.json"
LOCK = "lock"

MADE_FOR: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {RESPONSES: ("prompts", "asked"), SEQUENCES: ("rendered",), ROWS: ("judged", "resegmented")}
)
"""File -> parts of :class:`~token_difr.records.Audit`. Scores are made anew at any time: no file binds their part."""
