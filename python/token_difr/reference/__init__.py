"""Token sequences -> top-k logprobs: what a trusted reference would have given at every claimed token."""

from token_difr.reference.completions import CompletionsReference, TogetherReference
from token_difr.reference.dialects import DIALECTS, dialect_named, open_reference
from token_difr.reference.fireworks import FireworksLegacyReference, FireworksReference
from token_difr.reference.llama_cpp import LlamaCppReference
from token_difr.reference.local import LocalReference, local_model
from token_difr.reference.opening import opened_reference
from token_difr.reference.reference import Reference, no_rows
from token_difr.reference.rows import allowed_topk
from token_difr.reference.sglang import SglangReference
from token_difr.reference.token_names import vocabulary_of
from token_difr.reference.unread import Unread, is_of_one_sequence
from token_difr.reference.vllm import VllmReference
from token_difr.reference.vllm_engine import VllmEngineReference

__all__ = [
    "DIALECTS",
    "CompletionsReference",
    "FireworksLegacyReference",
    "FireworksReference",
    "LlamaCppReference",
    "LocalReference",
    "Reference",
    "SglangReference",
    "TogetherReference",
    "Unread",
    "VllmEngineReference",
    "VllmReference",
    "allowed_topk",
    "dialect_named",
    "is_of_one_sequence",
    "local_model",
    "no_rows",
    "open_reference",
    "opened_reference",
    "vocabulary_of",
]
