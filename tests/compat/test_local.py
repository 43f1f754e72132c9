"""``verify_outputs`` on a local model, through torch."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest

from token_difr import SamplingMethod, TokenSequence, load_tokenizer, render, verify_outputs, verify_outputs_api
from token_difr.compat.local import is_installed
from token_difr.demo_model import MODEL_FOLDER, PROMPTS_FILE

SAMPLING: dict[str, Any] = {"temperature": 0.0, "top_k": 5, "top_p": 0.95, "seed": 42, "verbose": False}

pytestmark = pytest.mark.skipif(is_installed("vllm"), reason="vLLM would take the place of torch")


@pytest.fixture(scope="module")
def demo_client(serving: Any) -> Any:
    """The openai SDK on the demo model."""
    with serving("demo") as url, openai.OpenAI(base_url=url, api_key="x", max_retries=0) as client:
        yield client


@pytest.fixture(scope="module")
def sequences(demo_client: openai.OpenAI) -> list[TokenSequence]:
    """Three questions of the demo and its answers, as token ids; the second one is empty."""
    tokenizer = load_tokenizer("demo")
    lines = PROMPTS_FILE.read_text(encoding="utf-8").splitlines()[:3]
    made = []
    for line in lines:
        prompt = render(json.loads(line)["messages"], tokenizer)
        answer = demo_client.completions.create(
            model="demo", prompt=prompt, max_tokens=24, temperature=0, extra_body={"return_token_ids": True}
        )
        assert answer.choices[0].model_extra
        made.append(TokenSequence(prompt, answer.choices[0].model_extra["token_ids"]))
    return [made[0], TokenSequence(made[1].prompt_token_ids, []), made[2]]


def test_the_model_agrees_with_its_server(demo_client: openai.OpenAI, sequences: list[TokenSequence]) -> None:
    """In float32, torch in this process and the server's rows give the same metrics."""
    local = verify_outputs(sequences, str(MODEL_FOLDER), dtype="float32", **SAMPLING)
    served = verify_outputs_api(
        sequences, "fireworks", 2048, client=demo_client, model="demo", tokenizer=1, topk_logprobs=5, **SAMPLING
    )
    assert [len(tokens) for tokens in local] == [len(s.output_token_ids) for s in sequences]
    for ours, theirs in zip(local, served, strict=True):
        for a, b in zip(ours, theirs, strict=True):
            assert (a.exact_match, a.logit_rank) == (b.exact_match, b.logit_rank)
            assert a.prob == pytest.approx(b.prob, abs=1e-4)
            assert a.margin == pytest.approx(b.margin, abs=1e-4)


def test_sampled_answers_are_replayed(serving: Any, sequences: list[TokenSequence]) -> None:
    """Above temperature 0 the noise of a torch generator is replayed, as in 0.1; another seed is another answer."""
    sampling: dict[str, Any] = {"temperature": 0.9, "top_k": 20, "top_p": 1.0, "verbose": False, "dtype": "float32"}
    with (
        serving("demo", sampler=SamplingMethod.VLLM_GUMBEL_MAX.sampler()) as url,
        openai.OpenAI(base_url=url, api_key="x", max_retries=0) as client,
    ):
        answer = client.completions.create(
            model="demo",
            prompt=list(sequences[0].prompt_token_ids),
            max_tokens=48,
            temperature=0.9,
            seed=11,
            extra_body={"return_token_ids": True, "top_k": 20},
        )
    assert answer.choices[0].model_extra
    drawn = [TokenSequence(sequences[0].prompt_token_ids, answer.choices[0].model_extra["token_ids"])]
    (tokens,) = verify_outputs(drawn, str(MODEL_FOLDER), seed=11, **sampling)
    (others,) = verify_outputs(drawn, str(MODEL_FOLDER), seed=12, **sampling)
    assert sum(token.exact_match for token in tokens) >= len(tokens) - 1
    assert sum(token.exact_match for token in others) < 0.8 * len(others)


def test_tensors_and_torch_types(sequences: list[TokenSequence]) -> None:
    """Token ids may be torch tensors, and ``dtype`` a torch type; in bfloat16 the model still agrees with itself."""
    import torch

    tensors = [TokenSequence(torch.tensor(s.prompt_token_ids), torch.tensor(s.output_token_ids)) for s in sequences]
    results = verify_outputs(tensors, str(MODEL_FOLDER), dtype=torch.bfloat16, **SAMPLING)
    matches = [token.exact_match for tokens in results for token in tokens]
    assert sum(matches) / len(matches) > 0.8


def test_other_answers_do_not_match(sequences: list[TokenSequence]) -> None:
    """Tokens that the model would not choose are mismatches, whose ranks and margins count the whole vocabulary."""
    wrong = [TokenSequence(sequences[0].prompt_token_ids, [7, 8, 9, 10])]
    (tokens,) = verify_outputs(wrong, str(MODEL_FOLDER), **SAMPLING)
    assert not any(token.exact_match for token in tokens)
    assert max(token.logit_rank for token in tokens) > 20
    assert all(0 < token.margin < 100 for token in tokens)


def test_nothing_to_verify() -> None:
    """Without output tokens no model is loaded."""
    assert verify_outputs([TokenSequence([1], [])], "/no/model/here", **SAMPLING) == [[]]


def test_what_is_refused(sequences: list[TokenSequence]) -> None:
    """A method that cannot be replayed, arguments for vLLM, ids that the model lacks, a folder that is none."""
    with pytest.raises(ValueError, match=r"Unsupported sampling method: SamplingMethod\.TINKER_GUMBEL_MAX.*not public"):
        verify_outputs(sequences, "m", sampling_method=SamplingMethod.TINKER_GUMBEL_MAX, **SAMPLING)
    with pytest.raises(ValueError, match="vllm_kwargs are for vLLM, which is not installed"):
        verify_outputs(sequences, "m", vllm_kwargs={"quantization": "fp8"}, **SAMPLING)
    with pytest.raises(ValueError, match=r"id 128000 is beyond the model's vocabulary of 2048"):
        verify_outputs([TokenSequence([1, 2], [128000])], str(MODEL_FOLDER), **SAMPLING)
    with pytest.raises(ValueError, match=r"/no/model/here: the model cannot be loaded"):
        verify_outputs(sequences, "/no/model/here", **SAMPLING)
