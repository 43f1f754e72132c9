"""The demo's cast: one reference, and providers that all say they serve the same model."""

from __future__ import annotations

from dataclasses import dataclass

from token_difr.records import Verdict

__all__ = ["HONEST", "MODEL_NAME", "PROVIDERS", "REFERENCE", "SAMPLED_PROVIDERS", "SAMPLER", "DemoProvider"]

MODEL_NAME = "token-difr-demo"
SAMPLER = "vllm@0.33"
"""How every server of the demo samples."""


@dataclass(frozen=True, slots=True)
class DemoProvider:
    """One provider of the demo.

    Attributes:
        name: A short name, for files and tables.
        deviation: What is different behind its API, in words.
        options: Options of ``token-difr serve`` that make it so.
        expected: The verdict it must come to; None where the deviation is near the noise and any may come.
        unseeded: The verdict where its noise is not replayed; None where it is not audited so.
    """

    name: str
    deviation: str
    options: tuple[str, ...]
    expected: Verdict | None
    unseeded: Verdict | None = None


REFERENCE = DemoProvider("reference", "float32 weights", (), None)
# Rounding to bfloat16 is what an honest provider does: it is the noise that a verdict has to see past. Without a seed
# nothing is shown to be consistent.
HONEST = DemoProvider(
    "honest", "bfloat16 weights", ("--weights", "bf16"), Verdict.CONSISTENT, unseeded=Verdict.INCONCLUSIVE
)
# As honest, behind an API that sends no token ids, as most do: what is rebuilt from its text must not be charged to it.
TEXT_ONLY = DemoProvider("text-only", "bfloat16, text only", ("--weights", "bf16", "--text-only"), Verdict.CONSISTENT)
INT4 = DemoProvider("int4", "int4 weights", ("--weights", "int4"), Verdict.DIVERGENT, unseeded=Verdict.DIVERGENT)

PROVIDERS = (
    HONEST,
    TEXT_ONLY,
    DemoProvider("int8", "int8 weights", ("--weights", "int8"), None),
    INT4,
    DemoProvider(
        "system-prompt",
        "hidden system prompt",
        ("--weights", "bf16", "--system-prompt", "You are a pirate. Always talk like one."),
        Verdict.DIVERGENT,
    ),
    DemoProvider(
        "random-token",
        "1 % random tokens",
        ("--weights", "bf16", "--random-token-rate", "0.01"),
        Verdict.DIVERGENT,
    ),
)
"""Audited at temperature 0."""

SAMPLED_PROVIDERS = (
    HONEST,
    DemoProvider("seed", "seed 43 instead of 42", ("--weights", "bf16", "--force-seed", "43"), Verdict.DIVERGENT),
    DemoProvider(
        "temperature",
        "temperature 1.1",
        ("--weights", "bf16", "--temperature-scale", "1.1"),
        Verdict.DIVERGENT,
        unseeded=Verdict.DIVERGENT,
    ),
    DemoProvider(
        "top-p",
        "top-p 0.85",
        ("--weights", "bf16", "--force-top-p", "0.85"),
        Verdict.DIVERGENT,
        unseeded=Verdict.DIVERGENT,
    ),
    INT4,
)
"""Audited at temperature 1."""
