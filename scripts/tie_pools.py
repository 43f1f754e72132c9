"""Every impostor of the demo asked for the same near ties once: its flips, from which audits are drawn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from token_difr.answers import read_prompts
from token_difr.demo_model import PROMPTS_FILE
from token_difr.engine.rounding import WeightRounding
from token_difr.run.directory import RunDirectory
from token_difr.run.layout import REPORT
from token_difr.server import ModelService, ServerSettings
from token_difr.server.listening import running
from token_difr.server.model.folder import DEMO
from token_difr.ties import TieSet, audit_ties, pick_ties
from token_difr.ties.asking import Way
from token_difr.ties.flips import flips_of

BF16 = {"weights": WeightRounding.BF16}
PICKERS = {"float32": {}, "bf16": BF16}
"""Settings of the reference that picks."""

CAST = {
    "bf16": BF16,
    "int8": {"weights": WeightRounding.INT8},
    "int4": {"weights": WeightRounding.INT4},
    "random-token": BF16 | {"random_token_rate": 0.05},
    "kv4": BF16 | {"kv_bits": 4},
    "float32": {},
    "bf16-chat": BF16,
    "system-prompt": BF16 | {"system_prompt": "You are a pirate. Always talk like one."},
}
"""Who is asked. A system prompt shows by chat alone: token ids hold the whole prompt."""

BASELINES = {"system-prompt": "bf16-chat", "bf16-chat": "bf16-chat"}
"""The honest run that is asked by the same way; ``bf16`` of all others."""


def make_pools(folder: Path, prompts: int, count: int) -> None:
    """Pick ties by each picker and ask everybody for them, as far as ``folder`` does not hold it yet."""
    questions = read_prompts(PROMPTS_FILE)[:prompts]
    for picker, settings in PICKERS.items():
        file = folder / f"{picker}.json"
        if not file.exists():
            with running(ModelService(ServerSettings(model=DEMO, **settings))) as url:  # type: ignore[arg-type]
                how = {"max_tokens": 64, "count": count, "concurrency": 32, "progress": False}
                side = f"{url}/v1"
                run = folder / f"{picker}.run"
                pick_ties(
                    questions, reference=side, provider=side, model="demo", tokenizer="demo", run=run, **how
                ).save(file)  # type: ignore[arg-type]
        ties = TieSet.load(file)
        for name, served in CAST.items():
            out = folder / picker / name
            if not (out / REPORT).exists():
                with running(ModelService(ServerSettings(model=DEMO, **served))) as url:  # type: ignore[arg-type]
                    way = Way.CHAT if name in BASELINES else Way.IDS
                    how = {"model": "demo", "way": way, "concurrency": 32, "progress": False}
                    audit_ties(ties, provider=f"{url}/v1", out=out, **how)  # type: ignore[arg-type]


def read_pool(folder: Path, picker: str) -> tuple[NDArray[np.float64], dict[str, NDArray[np.int8]]]:
    """The gaps of a picker's ties, in nats, and which of them fell the other way by provider: 1 or 0 each."""
    ties = TieSet.load(folder / f"{picker}.json")
    gaps = np.array([tie.gap for tie in ties.ties])
    flips = {}
    for name in CAST:
        with RunDirectory.read(folder / picker / name) as run:
            flips[name] = flips_of(run, ties)
    return gaps, flips
