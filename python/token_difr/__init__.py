"""Audits of LLM inference providers by Token-DiFR: do a provider's tokens diverge from a trusted reference?

Records, errors and parameters are loaded with the package; everything else on first use, so that ``import
token_difr`` costs NumPy and the native core and no more.

Rooms are nouns (``scores``), functions are verbs (``score``), so that no module hides a function. The one exception is a
path of token-difr 0.1, :mod:`token_difr.audit`: see the end of this module.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
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
from token_difr.records import (
    UNRESOLVED,
    Comparison,
    Decision,
    Response,
    SamplingParams,
    Scores,
    ScoreStatus,
    Summary,
    TokenMetrics,
    TokenSequence,
    TopKBatch,
    Verdict,
)

if TYPE_CHECKING:
    from token_difr.answers.collecting import collect
    from token_difr.compat.audit_provider import AuditResult, audit_provider
    from token_difr.compat.local import verify_outputs
    from token_difr.compat.prompts import construct_prompts
    from token_difr.compat.sampling_method import SamplingMethod
    from token_difr.compat.tokens import encode_thinking_response
    from token_difr.compat.verify import verify_outputs_api, verify_outputs_fireworks, verify_outputs_tinker
    from token_difr.openrouter_api import tokenize_openrouter_responses
    from token_difr.probes.probing import Probe, aprobe, probe
    from token_difr.reference import Reference, VllmReference
    from token_difr.run import RunDirectory
    from token_difr.run.audit import AuditRun, aaudit, audit
    from token_difr.sampler import Sampler
    from token_difr.scores import compute_metrics_summary, score
    from token_difr.sequences.load import load_tokenizer
    from token_difr.sequences.rendering import render
    from token_difr.sequences.tokenizing import tokenize
    from token_difr.services import (
        FIREWORKS_MODEL_REGISTRY,
        OPENROUTER_MODEL_REGISTRY,
        Registry,
        Service,
        get_openrouter_name,
        guess_fireworks_name,
        register_fireworks_model,
        register_openrouter_model,
    )
    from token_difr.verdict import compare, decide, summarize

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
        "AuditRun": "token_difr.run.audit",
        "Probe": "token_difr.probes",
        "FIREWORKS_MODEL_REGISTRY": "token_difr.services",
        "OPENROUTER_MODEL_REGISTRY": "token_difr.services",
        "Reference": "token_difr.reference",
        "Registry": "token_difr.services",
        "RunDirectory": "token_difr.run",
        "Sampler": "token_difr.sampler",
        "SamplingMethod": "token_difr.compat.sampling_method",
        "Service": "token_difr.services",
        "VllmReference": "token_difr.reference",
        "aaudit": "token_difr.run.audit",
        "aprobe": "token_difr.probes",
        "audit": "token_difr.run.audit",
        "audit_provider": "token_difr.compat.audit_provider",
        "collect": "token_difr.answers",
        "compare": "token_difr.verdict",
        "compute_metrics_summary": "token_difr.scores",
        "construct_prompts": "token_difr.compat.prompts",
        "decide": "token_difr.verdict",
        "encode_thinking_response": "token_difr.compat.tokens",
        "get_openrouter_name": "token_difr.services",
        "guess_fireworks_name": "token_difr.services",
        "load_tokenizer": "token_difr.sequences",
        "probe": "token_difr.probes",
        "register_fireworks_model": "token_difr.services",
        "register_openrouter_model": "token_difr.services",
        "render": "token_difr.sequences",
        "score": "token_difr.scores",
        "summarize": "token_difr.verdict",
        "tokenize": "token_difr.sequences",
        "tokenize_openrouter_responses": "token_difr.openrouter_api",
        "verify_outputs": "token_difr.compat.local",
        "verify_outputs_api": "token_difr.compat.verify",
        "verify_outputs_fireworks": "token_difr.compat.verify",
        "verify_outputs_tinker": "token_difr.compat.verify",
    }
)
"""Public name -> the module that has it."""


def __getattr__(name: str) -> object:
    if name not in _LOADED_ON_FIRST_USE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(_LOADED_ON_FIRST_USE[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


# token-difr 0.1 has a module under the name of our function ``audit``. Python binds a module to its package when it is
# first loaded, and never again: loaded here and let go of, it stays importable, and the name is the function's.
import_module("token_difr.audit")
del globals()["audit"]
