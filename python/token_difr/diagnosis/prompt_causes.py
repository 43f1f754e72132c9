"""Causes by which the provider has read another prompt than ours: its own count of the prompt's tokens tells them.

A count alone accuses nobody: some services count in a way of their own. So these are named only where the answers differ
from the baseline's too, and by how much the count differs is taken from the baseline's own difference.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping

from token_difr.diagnosis.case import Case
from token_difr.diagnosis.prompt_explanations import (
    DATED,
    Explanation,
    another_date,
    explanations,
    fewer_tokens,
    more_tokens,
)
from token_difr.findings import prompt_surplus
from token_difr.records import Cause

__all__ = ["cut_prompts", "other_prompt"]

FEWEST_CUT = 3
"""Lengths of prompts that all came to one counted length, from which on that is a limit."""

UNSENT = "template_variables"
"""A finding that leaves another prompt open where the counts show none."""


def cut_prompts(case: Case) -> Cause | None:
    """Whether prompts above a length were cut to it: counted as that long, and all shorter ones as rendered."""
    lengths = [len(sequence.prompt_token_ids) for sequence in case.candidate.evidence.sequences]
    surplus = prompt_surplus(case.candidate.evidence)
    counted = {index: lengths[index] + more for index, more in surplus.items()}
    limit = max(counted.values(), default=0)
    long = {index: lengths[index] for index in counted if lengths[index] > limit}
    as_rendered = all(surplus[index] == 0 for index in counted.keys() - long.keys())
    if len(set(long.values())) < FEWEST_CUT or not as_rendered or {counted[index] for index in long} != {limit}:
        return None
    return Cause(
        name="cut_prompts",
        text=(
            f"{len(long)} of {len(counted)} prompts were cut to {limit} tokens, the longest from {max(long.values())}, by the "
            "provider's own count: it has read a part of them"
        ),
        advice="ask shorter prompts, or a provider with a longer context; tell the provider, whose answers do not say so",
        shown=True,
        evidence={"prompts": len(counted), "cut": len(long), "limit": limit},
    )


def other_prompt(case: Case) -> list[Cause]:
    """What makes the provider's prompts other ones than ours."""
    if not case.differs:
        return []
    usual = _constant(prompt_surplus(case.baseline.evidence)) or 0
    apart = {index: more - usual for index, more in prompt_surplus(case.candidate.evidence).items()}
    more = _constant(apart)
    if more is None:
        return _by_roles(case, apart)
    if more == 0:
        return _uncounted(case)
    chosen, figures = explanations(case, more), {"prompts": len(apart), "more": more}
    return [_cause(each, figures, shown=len(chosen) == 1 and each.name != DATED) for each in chosen]


def _uncounted(case: Case) -> list[Cause]:
    """What the counts do not show, and the findings leave open."""
    if UNSENT in case.warned:
        left_open = Explanation(
            "other_template",
            "variables of the chat template shaped our prompts and were not sent: the provider may have read others",
            "say what the provider is (provider_service) if it takes them, else audit without them",
        )
    elif DATED in case.warned:
        left_open = another_date()
    else:
        return []
    return [_cause(left_open, {}, shown=False)]


def _by_roles(case: Case, apart: Mapping[int, int]) -> list[Cause]:
    """Differences that depend on which messages a prompt has, and on nothing else, are a template's.

    A system prompt takes the place of every system message: prompts without one have the same tokens more, others any number.
    """
    by_roles = defaultdict[tuple[str, ...], set[int]](set)
    for index, more in apart.items():
        by_roles[tuple(str(message.get("role")) for message in case.candidate.evidence.prompts[index])].add(more)
    if len(by_roles) < 2:  # another tokenizer, or a count of its own kind: a finding says so
        return []
    figures = {"prompts": len(apart), "fewest": min(apart.values()), "most": max(apart.values())}
    plain = {more for roles, found in by_roles.items() if "system" not in roles for more in found}
    if len(plain) == 1 and min(plain) > 0 and any("system" in roles for roles in by_roles):
        return [_cause(more_tokens(min(plain)), figures, shown=True)]
    if any(len(found) > 1 for found in by_roles.values()):
        return []
    template = Explanation(
        "other_template",
        f"the provider's prompts have {figures['fewest']:+d} to {figures['most']:+d} tokens beside ours, by which messages they "
        "have and by nothing else: another chat template, perhaps an older one",
        fewer_tokens(0).advice,
    )
    return [_cause(template, figures, shown=True)]


def _cause(explanation: Explanation, figures: Mapping[str, int], *, shown: bool) -> Cause:
    name, text, advice = explanation
    return Cause(name=name, text=text, advice=advice, shown=shown, evidence=figures)


def _constant(surplus: Mapping[int, int]) -> int | None:
    """The one difference of all prompts; None where they have several, or none is counted."""
    counts = Counter(surplus.values())
    return next(iter(counts)) if len(counts) == 1 else None
