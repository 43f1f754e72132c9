"""Audits of LLM inference providers by Token-DiFR: do a provider's tokens diverge from a trusted reference?

Records, errors and parameters are loaded with the package; everything else on first use, so that ``import
token_difr`` costs NumPy and the native core and no more.

Some functions share their name with the module that they live in (``score``, ``collect``, ...): the package has the
function under that name, whatever was imported before. ``from token_difr.score import ...`` reaches the module.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType, ModuleType
from typing import TYPE_CHECKING

from token_difr._core import __version__
from token_difr.errors import (
    AnswerError,
    AuthenticationError,
    BatchError,
    EndpointError,
    EndpointUnreachableError,
    InputError,
    LimitError,
    PromptError,
    RowCountError,
    RunDirectoryError,
    SamplerError,
    TokenDifrError,
    UnknownModelError,
    UnregisteredModelError,
    UnreplayableError,
)
from token_difr.records import UNRESOLVED, Response, TokenMetrics, TokenSequence, TopKBatch
from token_difr.sampling import SamplingParams

if TYPE_CHECKING:
    from token_difr.audit import AuditRun, aaudit, audit
    from token_difr.collect.collect import collect
    from token_difr.compat.audit_provider import AuditResult, audit_provider
    from token_difr.compat.local import verify_outputs
    from token_difr.compat.prompts import construct_prompts
    from token_difr.compat.sampling_method import SamplingMethod
    from token_difr.compat.tokens import encode_thinking_response
    from token_difr.compat.verify import verify_outputs_api, verify_outputs_fireworks, verify_outputs_tinker
    from token_difr.decide import Comparison, Decision, Summary, Verdict, compare, decide, summarize
    from token_difr.openrouter_api import tokenize_openrouter_responses
    from token_difr.probe.probe import Probe, aprobe, probe
    from token_difr.reference import Reference, VllmReference
    from token_difr.registry import (
        FIREWORKS_MODEL_REGISTRY,
        OPENROUTER_MODEL_REGISTRY,
        Registry,
        Service,
        get_openrouter_name,
        guess_fireworks_name,
        register_fireworks_model,
        register_openrouter_model,
    )
    from token_difr.run_directory import RunDirectory
    from token_difr.sampler import Sampler
    from token_difr.score import Scores, ScoreStatus, compute_metrics_summary, score
    from token_difr.tokenize.load import load_tokenizer
    from token_difr.tokenize.render import render
    from token_difr.tokenize.tokenize import tokenize

__all__ = [
    "FIREWORKS_MODEL_REGISTRY",
    "OPENROUTER_MODEL_REGISTRY",
    "UNRESOLVED",
    "AnswerError",
    "AuditResult",
    "AuditRun",
    "AuthenticationError",
    "BatchError",
    "Comparison",
    "Decision",
    "EndpointError",
    "EndpointUnreachableError",
    "InputError",
    "LimitError",
    "Probe",
    "PromptError",
    "Reference",
    "Registry",
    "Response",
    "RowCountError",
    "RunDirectory",
    "RunDirectoryError",
    "Sampler",
    "SamplerError",
    "SamplingMethod",
    "SamplingParams",
    "ScoreStatus",
    "Scores",
    "Service",
    "Summary",
    "TokenDifrError",
    "TokenMetrics",
    "TokenSequence",
    "TopKBatch",
    "UnknownModelError",
    "UnregisteredModelError",
    "UnreplayableError",
    "Verdict",
    "VllmReference",
    "__version__",
    "aaudit",
    "aprobe",
    "audit",
    "audit_provider",
    "collect",
    "compare",
    "compute_metrics_summary",
    "construct_prompts",
    "decide",
    "encode_thinking_response",
    "get_openrouter_name",
    "guess_fireworks_name",
    "load_tokenizer",
    "probe",
    "register_fireworks_model",
    "register_openrouter_model",
    "render",
    "score",
    "summarize",
    "tokenize",
    "tokenize_openrouter_responses",
    "verify_outputs",
    "verify_outputs_api",
    "verify_outputs_fireworks",
    "verify_outputs_tinker",
]

_LOADED_ON_FIRST_USE: Mapping[str, str] = MappingProxyType(
    {
        "AuditResult": "token_difr.compat.audit_provider",
        "AuditRun": "token_difr.audit",
        "Comparison": "token_difr.decide",
        "Decision": "token_difr.decide",
        "Probe": "token_difr.probe",
        "FIREWORKS_MODEL_REGISTRY": "token_difr.registry",
        "OPENROUTER_MODEL_REGISTRY": "token_difr.registry",
        "Reference": "token_difr.reference",
        "Registry": "token_difr.registry",
        "RunDirectory": "token_difr.run_directory",
        "Sampler": "token_difr.sampler",
        "SamplingMethod": "token_difr.compat.sampling_method",
        "ScoreStatus": "token_difr.score",
        "Scores": "token_difr.score",
        "Service": "token_difr.registry",
        "Summary": "token_difr.decide",
        "Verdict": "token_difr.decide",
        "VllmReference": "token_difr.reference",
        "aaudit": "token_difr.audit",
        "aprobe": "token_difr.probe",
        "audit": "token_difr.audit",
        "audit_provider": "token_difr.compat.audit_provider",
        "collect": "token_difr.collect",
        "compare": "token_difr.decide",
        "compute_metrics_summary": "token_difr.score",
        "construct_prompts": "token_difr.compat.prompts",
        "decide": "token_difr.decide",
        "encode_thinking_response": "token_difr.compat.tokens",
        "get_openrouter_name": "token_difr.registry",
        "guess_fireworks_name": "token_difr.registry",
        "load_tokenizer": "token_difr.tokenize",
        "probe": "token_difr.probe",
        "register_fireworks_model": "token_difr.registry",
        "register_openrouter_model": "token_difr.registry",
        "render": "token_difr.tokenize",
        "score": "token_difr.score",
        "summarize": "token_difr.decide",
        "tokenize": "token_difr.tokenize",
        "tokenize_openrouter_responses": "token_difr.openrouter_api",
        "verify_outputs": "token_difr.compat.local",
        "verify_outputs_api": "token_difr.compat.verify",
        "verify_outputs_fireworks": "token_difr.compat.verify",
        "verify_outputs_tinker": "token_difr.compat.verify",
    }
)
"""Public name -> the module that has it."""


class _Package(ModuleType):
    """The package itself: a submodule never hides the function that shares its name."""

    def __setattr__(self, name: str, value: object) -> None:
        # The import system binds each submodule to its package; see "import-related module attributes" in Python's
        # reference for this way of customizing a module.
        if not (name in _LOADED_ON_FIRST_USE and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> object:
    if name not in _LOADED_ON_FIRST_USE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(_LOADED_ON_FIRST_USE[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
