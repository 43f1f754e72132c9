"""The diagnosis of a run: its profile, and the causes that are named.

A cause needs a baseline: whatever parts the outputs of an honest provider too is none. Its ground is one of ``TESTS``
statistical tests (the verdict's own of all answers, and of those that are withheld; of answers that a limit cut, that end where
they should not, that part by another cut of their text), which share the level out among themselves (Bonferroni). So an honest
run has any cause named with probability ``level`` at most, as far as the intervals hold what they say; what the counts must show
besides makes it rarer still. Cut prompts are told by counts alone, which an honest provider does not give.
"""

from __future__ import annotations

from collections.abc import Sequence

from token_difr.diagnosis.answer_causes import cut_answers, retokenized
from token_difr.diagnosis.case import Case
from token_difr.diagnosis.profile import profile
from token_difr.diagnosis.prompt_causes import cut_prompts, other_prompt
from token_difr.diagnosis.side import Side
from token_difr.records import Cause, Comparison, Diagnosis, Finding
from token_difr.sequences import Tokenizer

__all__ = ["TESTS", "diagnose"]

TESTS = 5


def diagnose(
    candidate: Side,
    baseline: Side | None,
    tokenizer: Tokenizer,
    findings: Sequence[Finding],
    *,
    comparison: Comparison | None = None,
    level: float = 0.01,
) -> Diagnosis:
    """Where the outputs part, and why.

    Args:
        candidate: The run.
        baseline: What it is compared with; None = nothing, and no cause is named.
        tokenizer: The model's tokenizer.
        findings: Those on the candidate.
        comparison: The verdict's comparison of both; None = there is none, and no cause is named.
        level: The share of honest audits in which a cause is named, at most.
    """
    causes: tuple[Cause, ...] = ()
    if baseline is not None and comparison is not None:
        warned = {finding.name for finding in findings if finding.level == "warning"}
        case = Case(
            candidate=candidate,
            baseline=baseline,
            comparison=comparison,
            tokenizer=tokenizer,
            warned=warned,
            level=level / TESTS,
        )
        causes = _causes(case)
    return Diagnosis(cells=profile(candidate, baseline, tokenizer), causes=causes, level=level)


def _causes(case: Case) -> tuple[Cause, ...]:
    """Those that the records show first. Cut prompts explain all that their counts say."""
    cut = cut_prompts(case)
    of_prompts = other_prompt(case) if cut is None else [cut]
    of_answers = [found for look in (cut_answers, retokenized) if (found := look(case)) is not None]
    return tuple(sorted([*of_prompts, *of_answers], key=lambda cause: not cause.shown))
