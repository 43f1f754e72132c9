"""The demo's cast: one reference and five providers that all say they serve the same model."""

from __future__ import annotations

from dataclasses import dataclass

from token_difr.decide import Verdict

__all__ = ["HONEST", "MODEL_NAME", "PROVIDERS", "REFERENCE", "DemoProvider"]

MODEL_NAME = "token-difr-demo"


@dataclass(frozen=True, slots=True)
class DemoProvider:
    """One provider of the demo.

    Attributes:
        name: A short name, for files and tables.
        deviation: What is different behind its API, in words.
        options: Options of ``token-difr serve`` that make it so.
        expected: The verdict it must come to; None where the deviation is near the noise and any may come.
    """

    name: str
    deviation: str
    options: tuple[str, ...]
    expected: Verdict | None


REFERENCE = DemoProvider("reference", "float32 weights", (), None)
# Rounding to bfloat16 is what an honest provider does: it is the noise that a verdict has to see past.
HONEST = DemoProvider("honest", "bfloat16 weights", ("--weights", "bf16"), Verdict.CONSISTENT)
PROVIDERS = (
    HONEST,
    DemoProvider("int8", "int8 weights", ("--weights", "int8"), None),
    DemoProvider("int4", "int4 weights", ("--weights", "int4"), Verdict.DIVERGENT),
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
