"""What an audit's records show beside the scores, each with its evidence. A finding never changes the verdict.

One module a subject, one function a check: ``Evidence -> Finding | None``.
"""

from token_difr.findings.checks import find_all
from token_difr.findings.echo import EchoCheck, check_echo
from token_difr.findings.evidence import Evidence
from token_difr.findings.prompt_tokens import prompt_surplus
from token_difr.findings.provider_logprobs import claimed_logprobs, sampled_logprobs
from token_difr.findings.sanity import check_sound, unsound
from token_difr.findings.stated_rule import CHANGED_RULE, changed_rule
from token_difr.records import Finding

__all__ = [
    "CHANGED_RULE",
    "EchoCheck",
    "Evidence",
    "Finding",
    "changed_rule",
    "check_echo",
    "check_sound",
    "claimed_logprobs",
    "find_all",
    "prompt_surplus",
    "sampled_logprobs",
    "unsound",
]
