"""The names that users import, written out: none goes away unseen."""

from __future__ import annotations

import importlib
from typing import Any

import pytest

import token_difr

NAMES = {
    "token_difr": """
        FIREWORKS_MODEL_REGISTRY OPENROUTER_MODEL_REGISTRY UNRESOLVED AnswerError AuditResult AuditRun
        AuthenticationError BatchError Comparison Decision EndpointError EndpointUnreachableError InputError
        LimitError Probe PromptError Reference Registry Response RowCountError RunDirectory RunDirectoryError
        Sampler SamplerError SamplingMethod SamplingParams ScoreStatus Scores Service Summary TokenDifrError
        TokenMetrics TokenSequence TopKBatch UnknownModelError UnregisteredModelError UnreplayableError Verdict
        VllmReference __version__ aaudit aprobe audit audit_provider collect compare compute_metrics_summary
        construct_prompts decide encode_thinking_response get_openrouter_name guess_fireworks_name load_tokenizer
        probe register_fireworks_model register_openrouter_model render score summarize tokenize
        tokenize_openrouter_responses verify_outputs verify_outputs_api verify_outputs_fireworks
        verify_outputs_tinker
    """,
    "token_difr.rollouts": """
        PRESETS Config FireworksClient FwResponse FwRollouts Logprobs Prompt Response RolloutCache Rollouts
        RolloutsClient SampleError StoreError Usage create_client
    """,
    "token_difr.rollouts.fw_client": "FireworksClient",
    "token_difr.rollouts.fw_cache": "RolloutCache",
    "token_difr.rollouts.fw_datatypes": "FwResponse FwRollouts Logprobs Usage",
    "token_difr.testing.dialect_standins": "llama_cpp_in_front_of together_in_front_of",
    "token_difr.testing.faulty_provider": "FAULTS FaultyProvider faulty_provider honest_text",
    "token_difr.testing.loopback": "Answer Request json_answer serving",
    "token_difr.testing.scripted_engine": "ScriptedEngine",
    "token_difr.testing.tinker_service": "TinkerService engine_logprobs tinker_service",
    "token_difr.api": """
        PositionLogprobs SparseLogprobs TokenMetrics TokenSequence compute_metrics_summary verify_outputs_api
        verify_outputs_fireworks verify_outputs_tinker
    """,
    "token_difr.audit": """
        FIREWORKS_MODEL_REGISTRY AuditResult AuditRun aaudit audit audit_provider compute_metrics_summary
        generate_openrouter_responses get_openrouter_name tokenize_openrouter_responses verify_outputs_fireworks
    """,
    "token_difr.common": """
        SamplingMethod TokenMetrics TokenSequence compute_metrics_summary construct_prompts encode_thinking_response
    """,
    "token_difr.local": "SamplingMethod TokenMetrics TokenSequence compute_metrics_summary verify_outputs",
    "token_difr.model_registry": """
        FIREWORKS_MODEL_REGISTRY OPENROUTER_MODEL_REGISTRY get_openrouter_name guess_fireworks_name
        register_fireworks_model register_openrouter_model
    """,
    "token_difr.openrouter_api": """
        TokenSequence construct_prompts encode_thinking_response generate_openrouter_responses main openrouter_request
        run_all_prompts save_results tokenize_openrouter_responses
    """,
}


@pytest.mark.parametrize(
    ("module", "name"), [(module, name) for module, names in NAMES.items() for name in names.split()]
)
def test_the_name_is_there(module: str, name: str) -> None:
    """``from module import name`` works."""
    assert hasattr(importlib.import_module(module), name)


def test_a_module_under_the_name_of_a_function() -> None:
    """``import token_difr.audit`` binds the function ``audit``: the module's names are its attributes too."""
    import token_difr.audit as module

    bound: Any = module  # a checker takes it for the module
    assert bound is token_difr.audit
    for name in set(NAMES["token_difr.audit"].split()) - {"audit"}:
        assert getattr(bound, name) is getattr(importlib.import_module("token_difr.audit"), name)


def test_the_package_says_them_all() -> None:
    """``from token_difr import *`` and completion know each."""
    names = set(NAMES["token_difr"].split())

    assert names <= set(token_difr.__all__)
    assert names <= set(dir(token_difr))
