"""The signatures that users of token-difr 0.1 call: the same names, kinds and defaults in the same order."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import pytest

import token_difr
from token_difr import api, common, local, model_registry, openrouter_api
from token_difr.compat.sampling_method import SamplingMethod

SAMPLING = "temperature, top_k, top_p, seed"


def signature(function: Callable[..., Any], names: int) -> str:
    """The first parameters without annotations; all others must be keyword-only and have a default."""
    parameters = list(inspect.signature(function).parameters.values())
    for added in parameters[names:]:
        assert added.kind is inspect.Parameter.KEYWORD_ONLY
        assert added.default is not inspect.Parameter.empty
    kept = [each.replace(annotation=inspect.Parameter.empty) for each in parameters[:names]]
    return str(inspect.Signature(kept))


@pytest.mark.parametrize(
    ("function", "names", "expected"),
    [
        (
            token_difr.verify_outputs_fireworks,
            11,
            f"(outputs, vocab_size, *, {SAMPLING}, client, model, topk_logprobs=20, verbose=True, concurrency=10)",
        ),
        (
            token_difr.verify_outputs_tinker,
            9,
            f"(outputs, vocab_size, *, {SAMPLING}, sampling_client, topk_logprobs=20, verbose=True)",
        ),
        (
            token_difr.verify_outputs,
            12,
            (
                f"(outputs, model_name, *, {SAMPLING}, max_model_len=None, dtype='bfloat16', vllm_kwargs=None, "
                "sampling_method=<SamplingMethod.VLLM_GUMBEL_MAX: 'vllm_gumbel_max'>, gpu_memory_utilization=0.7, "
                "verbose=True)"
            ),
        ),
        (
            token_difr.verify_outputs_api,
            13,
            (
                f"(outputs, backend, vocab_size, *, {SAMPLING}, sampling_client=None, client=None, model=None, "
                "tokenizer=None, topk_logprobs=20, verbose=True)"
            ),
        ),
        (
            token_difr.audit_provider,
            9,
            (
                "(conversations, model, provider=None, temperature=0.0, max_tokens=100, seed=42, top_k=50, top_p=0.95, "
                "concurrency=20)"
            ),
        ),
        (
            token_difr.construct_prompts,
            6,
            (
                "(n_prompts=100, max_ctx_len=512, tokenizer=None, model_name=None, custom_prompts=None, "
                "system_prompt='You are a helpful assistant.')"
            ),
        ),
        (token_difr.encode_thinking_response, 4, "(content, reasoning, tokenizer, max_tokens=None)"),
        (token_difr.compute_metrics_summary, 2, "(results, verbose=False)"),
        (
            openrouter_api.generate_openrouter_responses,
            8,
            "(client, conversations, model, provider, temperature=0.0, max_tokens=100, concurrency=8, seed=None)",
        ),
        (
            openrouter_api.tokenize_openrouter_responses,
            4,
            "(conversations, responses, tokenizer, max_tokens=None)",
        ),
        (openrouter_api.save_results, 6, "(conversations, responses, save_path, config, model_name, max_tokens)"),
        (openrouter_api.openrouter_request, 6, "(client, model, messages, max_tokens, temperature, provider)"),
        (
            openrouter_api.run_all_prompts,
            7,
            "(client, model, prompts, max_tokens, temperature, provider, concurrency=8)",
        ),
        (token_difr.register_fireworks_model, 2, "(hf_name, fireworks_name)"),
        (token_difr.register_openrouter_model, 2, "(hf_name, openrouter_name)"),
        (token_difr.get_openrouter_name, 1, "(hf_name)"),
        (token_difr.guess_fireworks_name, 1, "(hf_name)"),
        (token_difr.TokenSequence, 2, "(prompt_token_ids, output_token_ids)"),
        (token_difr.TokenMetrics, 5, "(exact_match, prob, margin, logit_rank, gumbel_rank)"),
    ],
)
def test_signature(function: Callable[..., Any], names: int, expected: str) -> None:
    """Old parameters come first and unchanged; what is new is keyword-only and optional."""
    assert signature(function, names) == expected


@pytest.mark.parametrize(
    "function", [openrouter_api.generate_openrouter_responses, token_difr.verify_outputs_fireworks]
)
def test_what_is_awaited(function: Callable[..., Any]) -> None:
    """Asynchronous functions are coroutine functions."""
    assert inspect.iscoroutinefunction(function)


@pytest.mark.parametrize(
    "function",
    [
        token_difr.audit_provider,
        token_difr.verify_outputs_api,
        token_difr.verify_outputs_tinker,
        token_difr.verify_outputs,
    ],
)
def test_what_is_not_awaited(function: Callable[..., Any]) -> None:
    """Synchronous functions are not."""
    assert not inspect.iscoroutinefunction(function)


def test_old_module_paths() -> None:
    """What 0.1.2 had in its modules is there, and is what the package has."""
    from token_difr.audit import AuditResult, audit_provider

    assert (AuditResult, audit_provider) == (token_difr.AuditResult, token_difr.audit_provider)
    for module in (api, common, local, model_registry):
        for name in set(module.__all__) - {"PositionLogprobs", "SparseLogprobs"}:
            assert getattr(module, name) is getattr(token_difr, name)
    assert openrouter_api.tokenize_openrouter_responses is token_difr.tokenize_openrouter_responses


def test_sampling_methods() -> None:
    """Both members have their old values."""
    assert [method.value for method in SamplingMethod] == ["vllm_gumbel_max", "tinker_gumbel_max"]


def test_audit_result() -> None:
    """Eight fields in their order, and the repr of the README."""
    names = [field.name for field in fields(token_difr.AuditResult)]
    assert names == [
        "exact_match_rate",
        "avg_prob",
        "avg_margin",
        "avg_logit_rank",
        "avg_gumbel_rank",
        "infinite_margin_rate",
        "total_tokens",
        "n_sequences",
    ]
    result = token_difr.AuditResult(0.9831, 0.5, 0.1, 0.2, 0.2, 0.0, 4521, 50)
    assert repr(result) == "AuditResult(98.3% match rate, 4521 tokens across 50 sequences)"
