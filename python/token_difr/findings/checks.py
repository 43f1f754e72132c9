"""All checks. A new one is a module of its own and its line here; a test finds those that are not listed."""

from __future__ import annotations

from token_difr.findings.answering_model import answering_model
from token_difr.findings.answering_provider import answering_provider
from token_difr.findings.dated_template import dated_template
from token_difr.findings.echo import echo
from token_difr.findings.end_token import end_token_scored
from token_difr.findings.evidence import Evidence
from token_difr.findings.fidelity import incomplete_answers, other_counts, repaired_answers
from token_difr.findings.first_tokens import wrong_tokenizer
from token_difr.findings.ignored_fields import ignored_fields
from token_difr.findings.odd_outputs import odd_outputs
from token_difr.findings.prompt_tokens import prompt_token_count
from token_difr.findings.provider_logprobs import provider_logprobs
from token_difr.findings.reasoning import reasoning_joined
from token_difr.findings.request_fields import sent_fields, unsent_template_variables
from token_difr.findings.retokenization import retokenization
from token_difr.findings.server_text import server_text
from token_difr.findings.tool_calls import tool_calls
from token_difr.findings.unread import unread_answers
from token_difr.records.finding import Finding

__all__ = ["CHECKS", "find_all"]

CHECKS = (
    prompt_token_count,
    answering_provider,
    answering_model,
    sent_fields,
    unsent_template_variables,
    ignored_fields,
    echo,
    odd_outputs,
    wrong_tokenizer,
    server_text,
    retokenization,
    repaired_answers,
    other_counts,
    incomplete_answers,
    unread_answers,
    provider_logprobs,
    dated_template,
    reasoning_joined,
    tool_calls,
    end_token_scored,
)
"""In the order of the stages that they look at, which is that of the report."""


def find_all(evidence: Evidence) -> tuple[Finding, ...]:
    """Every finding on a run: warnings first, else in the order of the stages."""
    found = [finding for check in CHECKS if (finding := check(evidence)) is not None]
    return tuple(sorted(found, key=lambda finding: finding.level != "warning"))
