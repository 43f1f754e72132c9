"""The server's engine against transformers on a real model: ``python greedy_texts.py FOLDER [FILE.gguf ...]``; needs torch.

Twenty questions in the model's own template, each answered greedily with 24 tokens in float32 by transformers from FOLDER,
and by the engine from FOLDER and from GGUF files with the same weights. Ends 0 where all ids are equal.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoModelForCausalLM

from token_difr.engine import Engine, extended
from token_difr.engine.onnx import OnnxEngine
from token_difr.server.model.folder import ModelFolder

TOKENS = 24
SUBJECTS = (
    *("France", "Kenya", "the moon", "a triangle", "gravity", "bread", "a glacier", "copper", "jazz", "an eclipse"),
    *(
        "photosynthesis",
        "the printing press",
        "a volcano",
        "chess",
        "whales",
        "steam engines",
        "a sonnet",
        "rust",
        "tea",
    ),
    "zero",
)


def prompts(folder: ModelFolder) -> list[list[int]]:
    """Token ids of the questions."""
    if folder.template is None:
        raise SystemExit(f"{folder.path} has no chat template")
    asked = ([{"role": "user", "content": f"Tell me in two sentences about {subject}."}] for subject in SUBJECTS)
    return [folder.tokenizer.encode(folder.template.render(each), add_special_tokens=False) for each in asked]


def by_engine(engine: Engine, prompt: list[int]) -> list[int]:
    """The likeliest tokens, one at a time."""
    cache, new, ids = engine.empty_cache(), list(prompt), list(prompt)
    while len(ids) < len(prompt) + TOKENS:
        positions = np.arange(len(ids) - len(new), len(ids))[None]
        mask = np.ones((1, len(ids)), dtype=np.int64)
        result = engine.forward(np.array([new]), positions, mask, cache, logits_from=len(new) - 1)
        cache, new = extended(cache, result.columns), [int(result.logits[0, -1].argmax())]
        ids += new
    return ids[len(prompt) :]


def by_transformers(model: Any, prompt: list[int]) -> list[int]:
    """The same; end tokens are answered like others."""
    ids = torch.tensor([prompt])
    model.generation_config.eos_token_id = None
    output = model.generate(ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=TOKENS)
    return [int(token) for token in output[0, len(prompt) :]]


def main() -> None:
    """Compares, and prints a line for each file, and for each answer that differs."""
    folder = ModelFolder.open(Path(sys.argv[1]))
    model = AutoModelForCausalLM.from_pretrained(folder.path, dtype=torch.float32).eval()
    asked = prompts(folder)
    theirs = [by_transformers(model, prompt) for prompt in asked]
    differing = 0
    for path in map(Path, sys.argv[1:]):
        engine = OnnxEngine(path)
        pairs = [(expected, by_engine(engine, prompt)) for expected, prompt in zip(theirs, asked, strict=True)]
        for subject, (expected, ours) in zip(SUBJECTS, pairs, strict=True):
            if ours != expected:
                print(f"{subject}: {folder.tokenizer.decode(expected)!r}, and here {folder.tokenizer.decode(ours)!r}")
        equal = sum(expected == ours for expected, ours in pairs)
        differing += len(pairs) - equal
        print(f"{path}: {equal} of {len(pairs)} answers are equal", flush=True)
    raise SystemExit(1 if differing else 0)


if __name__ == "__main__":
    main()
