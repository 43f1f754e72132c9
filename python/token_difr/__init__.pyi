# Every public name and where it is, once: type checkers read this file, and so does __init__.py when it runs.

from token_difr.answers.collecting import collect as collect
from token_difr.audit import audit as audit
from token_difr.compat.audit_provider import AuditResult as AuditResult, audit_provider as audit_provider
from token_difr.compat.local import verify_outputs as verify_outputs
from token_difr.compat.prompts import construct_prompts as construct_prompts
from token_difr.compat.sampling_method import SamplingMethod as SamplingMethod
from token_difr.compat.tokens import encode_thinking_response as encode_thinking_response
from token_difr.compat.verify import (
    verify_outputs_api as verify_outputs_api,
    verify_outputs_fireworks as verify_outputs_fireworks,
    verify_outputs_tinker as verify_outputs_tinker,
)
from token_difr.errors import (
    AnswerError as AnswerError,
    AuthenticationError as AuthenticationError,
    BatchError as BatchError,
    EndpointError as EndpointError,
    EndpointUnreachableError as EndpointUnreachableError,
    InputError as InputError,
    LimitError as LimitError,
    PromptError as PromptError,
    RowCountError as RowCountError,
    RunDirectoryError as RunDirectoryError,
    SamplerError as SamplerError,
    TokenDifrError as TokenDifrError,
    TokenDifrWarning as TokenDifrWarning,
    UnknownModelError as UnknownModelError,
    UnregisteredModelError as UnregisteredModelError,
    UnreplayableError as UnreplayableError,
)
from token_difr.openrouter_api import tokenize_openrouter_responses as tokenize_openrouter_responses
from token_difr.probes.probing import Probe as Probe, aprobe as aprobe, probe as probe
from token_difr.records import (
    UNRESOLVED as UNRESOLVED,
    Comparison as Comparison,
    Decision as Decision,
    Response as Response,
    SamplingParams as SamplingParams,
    Scores as Scores,
    ScoreStatus as ScoreStatus,
    Summary as Summary,
    TokenMetrics as TokenMetrics,
    TokenSequence as TokenSequence,
    TopKBatch as TopKBatch,
    Verdict as Verdict,
)
from token_difr.reference import Reference as Reference, VllmReference as VllmReference
from token_difr.run import RunDirectory as RunDirectory
from token_difr.run.audit import AuditRun as AuditRun, aaudit as aaudit
from token_difr.sampler import Sampler as Sampler
from token_difr.scores import compute_metrics_summary as compute_metrics_summary, score as score
from token_difr.sequences.load import load_tokenizer as load_tokenizer
from token_difr.sequences.rendering import render as render
from token_difr.sequences.tokenizing import tokenize as tokenize
from token_difr.services import (
    FIREWORKS_MODEL_REGISTRY as FIREWORKS_MODEL_REGISTRY,
    OPENROUTER_MODEL_REGISTRY as OPENROUTER_MODEL_REGISTRY,
    Registry as Registry,
    Service as Service,
    get_openrouter_name as get_openrouter_name,
    guess_fireworks_name as guess_fireworks_name,
    register_fireworks_model as register_fireworks_model,
    register_openrouter_model as register_openrouter_model,
)
from token_difr.verdict import compare as compare, decide as decide, summarize as summarize

__all__: list[str]
__version__: str
