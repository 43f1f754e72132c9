"""Run directories of format 1: the record of an audit was flat, and had no checksum.

They are read and gone on with; the first write makes them format 2.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from token_difr.records import Audit

__all__ = ["audit_of_format_1"]


def audit_of_format_1(identity: Mapping[str, Any]) -> Audit:
    """The record in a manifest of format 1; a part that it does not state whole is not stated.

    Raises:
        KeyError, TypeError, ValueError: It is no such record.
    """
    given = {name: value for name, value in identity.items() if value is not None}
    parts: dict[str, dict[str, Any]] = {}
    if "prompts_digest" in given:
        parts["prompts"] = {"digest": given["prompts_digest"], "count": given["prompts_count"]}
    if {"provider", "model", "params", "max_tokens"} <= given.keys():
        parts["asked"] = {
            **{name: given[name] for name in ("provider", "model", "params", "max_tokens")},
            "asking": {
                "service": given.get("provider_service"),
                "only": given.get("provider_only"),
                "chat_template_kwargs": given.get("chat_template_kwargs"),
                "token_ids": given.get("token_ids", False),
                "logprobs": given.get("provider_logprobs", False),
            },
        }
    if "tokenizer" in given or "tokenizer_digest" in given:
        parts["rendered"] = {"tokenizer": given.get("tokenizer"), "digest": given.get("tokenizer_digest")}
    if {"reference_model", "reference_dialect", "topk_logprobs"} <= given.keys():
        parts["judged"] = {
            "reference": given.get("reference"),
            "model": given["reference_model"],
            "dialect": given["reference_dialect"],
            "topk_logprobs": given["topk_logprobs"],
        }
    if "sampler" in given or "vocab_size" in given:
        parts["scored"] = {name: given.get(name) for name in ("sampler", "vocab_size")}
    return Audit.from_dict(parts)
