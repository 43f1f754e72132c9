"""How peaked is the demo model? ``python scripts/measure_demo_model.py`` prints the match rates of its variants.

Every provider answers 75 demo questions greedily with 64 tokens each (end tokens are passed over, so that all have
the same length). The float32 model then scores those tokens after the question's own prompt: a token matches when it
is the float32 model's arg-max at its position.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from token_difr.engine import Engine
from token_difr.engine.onnx import OnnxEngine
from token_difr.engine.rounding import WeightRounding
from token_difr.engine.torch import ElementType, TorchEngine
from token_difr.server.generation import Generation, GenerationSpec, Scheduler
from token_difr.server.generation.sampling import SamplingSettings
from token_difr.server.generation.sampling.faults import SamplerFaults
from token_difr.server.model.folder import DEMO, ModelFolder

OUTPUT_TOKENS = 64
SYSTEM_PROMPT = "You are a helpful assistant. Be brief and answer in plain words."
RANDOM_TOKEN_RATE = 0.01
Outputs = list[list[int]]


def main() -> None:
    """Reads the command line and prints one line a variant."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--prompts", type=int, default=75, help="number of questions")
    parser.add_argument("--first", type=int, default=0, help="the first question to take")
    parser.add_argument("--model", default=DEMO, help="model folder")
    arguments = parser.parse_args()
    folder = ModelFolder.open(arguments.model)
    questions = read_questions()[arguments.first : arguments.first + arguments.prompts]
    prompts = [render(folder, question) for question in questions]
    reference = OnnxEngine(folder.path)
    print(f"{len(prompts)} questions from {arguments.first}, {len(prompts) * OUTPUT_TOKENS:,} greedy tokens a variant")
    for name, answer in variants(folder, questions, prompts).items():
        rate = match_rate(reference, prompts, answer())
        print(f"{name:34} {rate:8.2%}")


def variants(
    folder: ModelFolder, questions: list[list[dict[str, str]]], prompts: Outputs
) -> dict[str, Callable[[], Outputs]]:
    """The providers by name, each a function that answers all prompts."""
    system = [{"role": "system", "content": SYSTEM_PROMPT}]
    changed = [render(folder, [*system, *question]) for question in questions]
    rounded = {
        f"{rounding} weights (rounded)": lambda rounding=rounding: generate(
            OnnxEngine(folder.path, rounding=rounding), prompts
        )
        for rounding in WeightRounding
    }
    return {
        "float32": lambda: generate(OnnxEngine(folder.path), prompts),
        "true bf16 in torch": lambda: generate(TorchEngine(folder.path, element_type=ElementType.BF16), prompts),
        **rounded,
        "another system prompt": lambda: generate(OnnxEngine(folder.path), changed),
        f"{RANDOM_TOKEN_RATE:.0%} random tokens": lambda: generate(OnnxEngine(folder.path), prompts, RANDOM_TOKEN_RATE),
    }


def read_questions() -> list[list[dict[str, str]]]:
    """The conversations that ship with the demo."""
    file = ModelFolder.open(DEMO).path.parent / "prompts.jsonl"
    return [json.loads(line)["messages"] for line in file.read_text(encoding="utf-8").splitlines()]


def render(folder: ModelFolder, messages: list[dict[str, str]]) -> list[int]:
    """Token ids of a conversation with the assistant's turn opened."""
    if folder.template is None:
        raise SystemExit(f"{folder.path} has no chat template")
    return folder.tokenizer.encode(folder.template.render(messages), add_special_tokens=False)


def generate(engine: Engine, prompts: Outputs, rate: float = 0.0) -> Outputs:
    """Greedy answers of the server's own scheduler."""
    scheduler = Scheduler(engine)
    width = engine.vocabulary_size
    generations = [
        Generation(
            GenerationSpec(prompt=prompt, max_tokens=OUTPUT_TOKENS, sampling=SamplingSettings(temperature=0)),
            width,
            faults=SamplerFaults(random_token_rate=rate),
        )
        for prompt in prompts
    ]
    scheduler.submit(*generations)
    scheduler.start()
    scheduler.stop()
    return [generation.output for generation in generations]


def match_rate(reference: OnnxEngine, prompts: Outputs, outputs: Outputs) -> float:
    """Share of the output tokens that are the reference's arg-max at their positions."""
    matches = [reference_tokens(reference, p, o) == np.array(o) for p, o in zip(prompts, outputs, strict=True)]
    return float(np.concatenate(matches).mean())


def reference_tokens(reference: OnnxEngine, prompt: list[int], output: list[int]) -> NDArray[Any]:
    """The reference's arg-max at every position of an output."""
    ids = np.array([[*prompt, *output]])
    positions = np.arange(ids.shape[1])[None]
    logits = reference.forward(ids, positions, np.ones_like(ids), reference.empty_cache()).logits[0]
    return logits[len(prompt) - 1 : -1].argmax(axis=-1)


if __name__ == "__main__":
    main()
