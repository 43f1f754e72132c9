"""Outputs that a script made from text: another cut of the same text is found, and another text is not excused."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from token_difr import (
    TokenSequence,
    compute_metrics_summary,
    load_tokenizer,
    verify_outputs_api,
    verify_outputs_fireworks,
)
from token_difr.compat.recut import _as_given
from token_difr.records import TopKBatch
from token_difr.segmentation import Repaired

QUESTIONS = ["What is 2 + 2?", "What causes rainbows?", "Explain gravity to a child.", "Describe the water cycle."]
GREEDY: dict[str, Any] = {"temperature": 0.0, "top_k": 5, "top_p": 0.95, "seed": 42, "verbose": False}


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    """The model's."""
    return load_tokenizer("demo")


@pytest.fixture(scope="module")
def client(serving: Any) -> Iterator[openai.OpenAI]:
    """A client of the demo model, which knows nothing of such questions and writes words in odd pieces."""
    with serving("demo-model") as url, openai.OpenAI(base_url=url, api_key="x") as made:
        yield made


def answers(client: openai.OpenAI, tokenizer: Any, **sampling: Any) -> list[TokenSequence]:
    """As the scripts make them: text in, text out, and encoded again."""
    made = []
    for question in QUESTIONS:
        messages = [{"role": "user", "content": question}]
        rendered = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        answer = client.completions.create(model="demo-model", prompt=rendered, max_tokens=100, **sampling)
        text = answer.choices[0].text
        prompt, output = (tokenizer.encode(each, add_special_tokens=False) for each in (rendered, text))
        made.append(TokenSequence(prompt, output))
    return made


def verified(client: openai.OpenAI, tokenizer: Any, outputs: list[TokenSequence]) -> dict[str, Any]:
    results = verify_outputs_api(
        outputs, "fireworks", 2048, client=client, model="demo-model", tokenizer=tokenizer, topk_logprobs=5, **GREEDY
    )
    assert [len(tokens) for tokens in results] == [len(output.output_token_ids) for output in outputs]
    return compute_metrics_summary(results)


async def test_text_of_the_model_itself(client: openai.OpenAI, tokenizer: Any) -> None:
    """At temperature 0 it matches, one entry a token that was given, though it was cut otherwise; as it stands it does not."""
    outputs = answers(client, tokenizer, temperature=0.0)
    assert verified(client, tokenizer, outputs)["exact_match_rate"] >= 0.98
    async with openai.AsyncOpenAI(base_url=client.base_url, api_key="x") as asynchronous:
        as_given = await verify_outputs_fireworks(outputs, 2048, client=asynchronous, model="demo-model", **GREEDY)
    assert compute_metrics_summary(as_given)["exact_match_rate"] < 0.95


def test_another_text_is_not_excused(client: openai.OpenAI, tokenizer: Any) -> None:
    """What was drawn at 1.3 stays far from the arg-max, in whatever pieces."""
    outputs = answers(client, tokenizer, temperature=1.3, seed=1)
    assert verified(client, tokenizer, outputs)["exact_match_rate"] < 0.6


@pytest.mark.parametrize(
    ("old", "new", "places"),
    [
        ([1, 2, 3], [1, 9, 3], [0, 1, 2]),
        ([1, 2, 3, 4], [1, 9, 4], [0, 1, 1, 2]),
        ([1, 2, 4], [1, 7, 8, 9, 4], [0, 1, 4]),
        ([1, 2, 3], [1, 3], [0, 1, 1]),
        ([1, 2, 3], [1, 2], [0, 1, 1]),
    ],
)
def test_entries_of_another_cut(old: list[int], new: list[int], places: list[int]) -> None:
    """Shared tokens have their own entry; between them the new ones stand for the old in order."""
    rows = TopKBatch.from_rows([[(token, -0.5 - j)] for j, token in enumerate(new)], new)
    made = _as_given(TokenSequence([5], old), Repaired(TokenSequence([5], new), rows))
    assert [round(-math.log(token.prob) - 0.5) for token in made] == places
