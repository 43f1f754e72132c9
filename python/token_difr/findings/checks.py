"""All checks, in the order of the stages that they look at. A new check is one module and one line here."""

from __future__ import annotations

from token_difr.findings.echo import echo
from token_difr.findings.evidence import Evidence
from token_difr.findings.prompt_tokens import prompt_token_count
from token_difr.findings.provider_logprobs import provider_logprobs
from token_difr.findings.reference_sanity import odd_outputs, wrong_tokenizer
from token_difr.findings.rendering import dated_template, end_token_scored, reasoning_joined, tool_calls
from token_difr.findings.requests import answering_provider, sent_fields, unsent_template_variables
from token_difr.findings.retokenization import retokenization
from token_difr.records.finding import Finding

__all__ = ["CHECKS", "find_all"]

CHECKS = (
    prompt_token_count,
    answering_provider,
    sent_fields,
    unsent_template_variables,
    echo,
    odd_outputs,
    wrong_tokenizer,
    retokenization,
    provider_logprobs,
    dated_template,
    reasoning_joined,
    tool_calls,
    end_token_scored,
)


def find_all(evidence: Evidence) -> tuple[Finding, ...]:
    """Every finding on a run: warnings first, else in the order of the stages."""
    found = [finding for check in CHECKS if (finding := check(evidence)) is not None]
    return tuple(sorted(found, key=lambda finding: finding.level != "warning"))
