"""What scripts of token-difr 0.1 do, from prompts to match rate, against the local server.

They generate at temperature 1e-8 and verify at 0 with filters set, ask with an asynchronous client and verify with a
synchronous one inside a running event loop, and check by an echo that the server read exactly their tokens.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import openai
import pytest

from token_difr import (
    TokenSequence,
    compute_metrics_summary,
    construct_prompts,
    encode_thinking_response,
    load_tokenizer,
    verify_outputs_api,
)
from token_difr.answers import read_prompts
from token_difr.demo_model import PROMPTS_FILE
from token_difr.openrouter_api import openrouter_request, run_all_prompts

MODEL = "demo-model"
MAX_TOKENS = 100
TEMPERATURE = 1e-8
N_PROMPTS = 8
SAMPLING: dict[str, Any] = {"temperature": 0.0, "top_k": 5, "top_p": 0.95, "seed": 42, "topk_logprobs": 5}


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "with an extra leading token"])
def url(serving: Any, request: pytest.FixtureRequest) -> Iterator[str]:
    """The demo model as provider and as reference; once it echoes a text with one more token in front, as for a BOS."""
    with serving(MODEL, echo_bos=request.param) as address:
        yield address


@pytest.fixture
def tokenizer() -> Any:
    """The model's."""
    return cast("Any", load_tokenizer("demo"))


@pytest.fixture
def prompts() -> list[Any]:
    """Questions that the model was trained for, with a system prompt."""
    return construct_prompts(N_PROMPTS, custom_prompts=read_prompts(PROMPTS_FILE))


def render(conversation: Any, tokenizer: Any) -> str:
    return str(tokenizer.apply_chat_template(conversation, tokenize=False, add_generation_prompt=True))


def match_rate(sequences: list[TokenSequence], url: str, tokenizer: Any) -> float:
    """Verification as the older revision calls it."""
    with openai.OpenAI(base_url=url, api_key="x") as client:
        results = verify_outputs_api(
            sequences,
            backend="fireworks",
            vocab_size=len(tokenizer),
            client=client,
            model=MODEL,
            tokenizer=tokenizer,
            verbose=False,
            **SAMPLING,
        )
    assert [len(tokens) for tokens in results] == [len(sequence.output_token_ids) for sequence in sequences]
    for token in (token for tokens in results for token in tokens):
        assert isinstance(token.exact_match, bool)
        assert isinstance(token.prob, float)
        assert 0 <= token.prob <= 1
        assert token.logit_rank >= 0
        assert token.gumbel_rank >= 0
    summary = compute_metrics_summary(results)
    assert summary["total_tokens"] > N_PROMPTS
    return float(summary["exact_match_rate"])


async def test_answers_of_openrouter(url: str, tokenizer: Any, prompts: list[Any]) -> None:
    """Text through OpenRouter, encoded again, verified inside the running loop: at least 98 % match."""
    sequences = []
    async with openai.AsyncOpenAI(base_url=url, api_key="x") as client:
        for messages in prompts:
            content, reasoning = await openrouter_request(
                client=client,
                model=MODEL,
                messages=messages,
                max_tokens=MAX_TOKENS,
                temperature=TEMPERATURE,
                provider="Fireworks",
            )
            prompt = tokenizer.encode(render(messages, tokenizer), add_special_tokens=False)
            sequences.append(TokenSequence(prompt, encode_thinking_response(content, reasoning, tokenizer, MAX_TOKENS)))
    assert match_rate(sequences, url, tokenizer) >= 0.98


async def test_all_prompts_at_once(url: str, tokenizer: Any, prompts: list[Any]) -> None:
    """The same through ``run_all_prompts``, whose answers come in the order of the prompts."""
    async with openai.AsyncOpenAI(base_url=url, api_key="x") as client:
        answers = await run_all_prompts(client, MODEL, prompts, MAX_TOKENS, TEMPERATURE, "Fireworks", concurrency=4)
    assert [prompt for prompt, _, _ in answers] == prompts
    sequences = [
        TokenSequence(
            tokenizer.encode(render(prompt, tokenizer), add_special_tokens=False),
            encode_thinking_response(content, reasoning, tokenizer, MAX_TOKENS),
        )
        for prompt, content, reasoning in answers
    ]
    assert match_rate(sequences, url, tokenizer) >= 0.98


async def test_the_reference_against_itself(url: str, tokenizer: Any, prompts: list[Any]) -> None:
    """Completions of the reference itself, as text that is encoded again."""
    sequences = []
    with openai.OpenAI(base_url=url, api_key="x") as client:
        for messages in prompts:
            text = render(messages, tokenizer)
            answer = client.completions.create(
                model=MODEL, prompt=text, max_tokens=MAX_TOKENS, temperature=TEMPERATURE, seed=42
            )
            output = tokenizer.encode(answer.choices[0].text, add_special_tokens=False)[:MAX_TOKENS]
            sequences.append(TokenSequence(tokenizer.encode(text, add_special_tokens=False), output))
    assert match_rate(sequences, url, tokenizer) >= 0.98


@pytest.mark.parametrize(
    "answer", ["Four.", "<think>Two and two are four.</think>Four."], ids=["plain answer", "thinking answer"]
)
def test_echo(url: str, tokenizer: Any, answer: str) -> None:
    """The echoed tokens are ours: the count says whether one was added in front, then the strings agree."""
    conversation = [{"role": "user", "content": "What is 2 + 2?"}, {"role": "assistant", "content": answer}]
    rendered = render(conversation, tokenizer)
    ours = tokenizer.encode(rendered, add_special_tokens=False)
    with openai.OpenAI(base_url=url, api_key="x") as client:
        echoed = client.completions.create(
            model=MODEL, prompt=rendered, max_tokens=1, temperature=0.0, echo=True, logprobs=5
        )
    logprobs = echoed.choices[0].logprobs
    assert logprobs is not None
    assert logprobs.tokens is not None
    theirs = logprobs.tokens[:-1]  # the last one was generated
    added = len(theirs) - len(ours)
    assert added in {0, 1}
    special = set(tokenizer.all_special_tokens)
    for token, string in zip(ours, theirs[added:], strict=True):
        mine = tokenizer.decode([token])
        assert string == mine or mine in special
