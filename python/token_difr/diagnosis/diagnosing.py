"""The diagnosis of a run: its profile, and the causes that are named.

A cause needs a baseline: whatever parts the outputs of an honest provider too is none. Its ground is one of ``TESTS``
statistical tests (of how much the outputs part; of answers' beginnings, cuts and ends; of drifted counts and other cuts of
a text), which share the level out among themselves (Bonferroni). So an honest run has any cause named with probability
``level`` at most, as far as the intervals hold what they say (``scripts/measure_diagnosis.py``); what a count must show
besides makes it rarer still. Cut prompts are told by counts alone, which an honest provider does not give.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from token_difr.diagnosis.answer_causes import cut_answers, doubled_opener, retokenized
from token_difr.diagnosis.case import Case
from token_difr.diagnosis.profile import profile
from token_difr.diagnosis.prompt_causes import cut_prompts, other_prompt
from token_difr.diagnosis.side import Side
from token_difr.records import Cause, Diagnosis, Finding
from token_difr.sequences import Tokenizer

__all__ = ["TESTS", "diagnose"]

TESTS = 6


def diagnose(
    candidate: Side,
    baseline: Side | None,
    tokenizer: Tokenizer,
    findings: Sequence[Finding],
    *,
    pairs: npt.NDArray[np.int64] | None = None,
    level: float = 0.01,
) -> Diagnosis:
    """Where the outputs part, and why.

    Args:
        candidate: The run.
        baseline: What it is compared with; None = nothing, and no cause is named.
        tokenizer: The model's tokenizer.
        findings: Those on the candidate.
        pairs: int64[n, 2]; indexes (candidate, baseline) of the answers to the same prompt. None = other prompts.
        level: The share of honest audits in which a cause is named, at most.
    """
    causes: tuple[Cause, ...] = ()
    if baseline is not None:
        warned = {finding.name for finding in findings if finding.level == "warning"}
        case = Case(
            candidate=candidate, baseline=baseline, tokenizer=tokenizer, warned=warned, pairs=pairs, level=level / TESTS
        )
        causes = _causes(case)
    return Diagnosis(cells=profile(candidate, baseline, tokenizer), causes=causes, level=level)


def _causes(case: Case) -> tuple[Cause, ...]:
    """Those that the records show first. Where a rarer one tells how prompts were cut, their counts say no more."""
    cut = cut_prompts(case)
    of_prompts = other_prompt(case) if cut is None else [cut]
    of_answers = [found for look in (doubled_opener, cut_answers, retokenized) if (found := look(case)) is not None]
    return tuple(sorted([*of_prompts, *of_answers], key=lambda cause: not cause.shown))
