"""What an audit's records show beside the scores, each with its evidence. A finding never changes the verdict.

One module a subject, one function a check: ``Evidence -> Finding | None``.
"""

from token_difr.findings.echo import EchoCheck, check_echo, echo
from token_difr.findings.evidence import Evidence
from token_difr.findings.finding import Finding
from token_difr.findings.prompt_tokens import prompt_token_count
from token_difr.findings.provider_logprobs import claimed_logprobs, provider_logprobs, sampled_logprobs
from token_difr.findings.reference_sanity import odd_outputs, wrong_tokenizer
from token_difr.findings.rendering import dated_template, end_token_scored, reasoning_joined, tool_calls
from token_difr.findings.requests import answering_provider, sent_fields, unsent_template_variables
from token_difr.findings.retokenization import retokenization

__all__ = ["EchoCheck", "Evidence", "Finding", "check_echo", "claimed_logprobs", "find_all", "sampled_logprobs"]

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
