"""What an audit's records show beside the scores, each with its evidence. A finding never changes the verdict.

One module a subject, one function a check: ``Evidence -> Finding | None``.
"""

from token_difr.findings.checks import find_all
from token_difr.findings.echo import EchoCheck, check_echo
from token_difr.findings.evidence import Evidence
from token_difr.findings.prompt_tokens import prompt_surplus
from token_difr.findings.provider_logprobs import claimed_logprobs, sampled_logprobs
from token_difr.records import Finding

__all__ = [
    "EchoCheck",
    "Evidence",
    "Finding",
    "check_echo",
    "claimed_logprobs",
    "find_all",
    "prompt_surplus",
    "sampled_logprobs",
]
