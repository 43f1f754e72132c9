"""What a provider's own count of the prompts' tokens says, where its answers differ."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from chat_templates import SWITCHED, THINKING, Templated
from token_difr.diagnosis import Side
from token_difr.diagnosis.case import Case
from token_difr.diagnosis.prompt_causes import cut_prompts, other_prompt
from token_difr.findings import Evidence
from token_difr.records import Audit, Response, Scores, TokenSequence, TopKBatch

BEGIN = 9
ROLES = ("user", "system user", "user assistant user")


def side(
    surplus: list[int | None], *, roles: list[str] | None = None, begins: int = 0, output: tuple[int, ...] = (65,)
) -> Side:
    """Prompts of 20, 21, ... tokens, of which the provider counts so many more; ``begins`` of each are the token that begins a text."""
    roles = roles or ["user"] * len(surplus)
    sequences = [
        TokenSequence([*[BEGIN] * begins, *[65] * (20 + index - begins)], output) for index in range(len(surplus))
    ]
    responses = [
        Response(index=index, content="", prompt_tokens=None if more is None else 20 + index + more)
        for index, more in enumerate(surplus)
    ]
    evidence = Evidence(
        audit=Audit(),
        prompts=[[{"role": role, "content": "q"} for role in each.split()] for each in roles],
        responses=responses,
        sequences=sequences,
        batch=TopKBatch.from_rows([], []),
    )
    return Side(evidence=evidence, scores=Scores.from_margins(np.zeros(0)))


def case(
    candidate: Side, baseline: Side | None = None, *, template: str = THINKING, differs: bool = True, warned: str = ""
) -> Case:
    """Answers that differ, or do not."""
    tokenizer: Any = Templated(template)
    tokenizer.bos_token_id = BEGIN
    comparison: Any = SimpleNamespace(p_value=0.0 if differs else 0.5, statistics=())
    return Case(
        candidate=candidate,
        baseline=baseline or side([0] * 6),
        comparison=comparison,
        tokenizer=tokenizer,
        warned=set(warned.split()),
        level=0.01,
    )


def named(looked_at: Case) -> dict[str, bool]:
    """The causes, each with whether it is shown."""
    return {cause.name: cause.shown for cause in other_prompt(looked_at)}


@pytest.mark.parametrize(
    ("surplus", "begins", "causes"),
    [
        (0, 0, {}),
        (0, 1, {}),
        (1, 1, {"doubled_bos": True}),
        (-1, 1, {"missing_bos": True}),
        (-1, 2, {"doubled_bos": True}),
        (1, 0, {"added_bos": True}),
        (-1, 0, {"other_template": True}),
        (2, 1, {"system_prompt": True}),
        (-2, 1, {"other_template": True}),
        (40, 0, {"system_prompt": True}),
    ],
)
def test_the_same_difference_in_every_prompt(surplus: int, begins: int, causes: dict[str, bool]) -> None:
    """Its size and what our prompts begin with tell what it is; nothing is named of answers that do not differ."""
    looked_at = side([surplus] * 6, begins=begins)
    assert named(case(looked_at)) == causes
    assert named(case(looked_at, differs=False)) == {}


@pytest.mark.parametrize(
    ("surplus", "baseline", "causes"),
    [
        ([3] * 6, [3] * 6, {}),
        ([8] * 6, [3] * 6, {"system_prompt": True}),
        ([3] * 6, [1, 2, 3, 4, 5, 6], {"system_prompt": True}),
        ([3] * 6, [None] * 6, {"system_prompt": True}),
        ([None] * 6, [0] * 6, {}),
        ([3, 3, 3, None, None, None], [0] * 6, {"system_prompt": True}),
        ([1, -3, 2, 7, 0, 5], [0] * 6, {}),
    ],
)
def test_a_way_to_count_is_no_cause(
    surplus: list[int | None], baseline: list[int | None], causes: dict[str, bool]
) -> None:
    """What the baseline counts too says nothing of the candidate, nor do counts that differ otherwise in every prompt."""
    assert named(case(side(surplus), side(baseline))) == causes


@pytest.mark.parametrize(
    ("by_roles", "causes"),
    [
        ((4, 4, 4), {"system_prompt": True}),
        ((4, -3, 4), {"system_prompt": True}),
        ((2, 4, 6), {"other_template": True}),
        ((-1, -2, -3), {"other_template": True}),
        ((0, 5, 0), {"other_template": True}),
    ],
)
def test_differences_by_the_messages(by_roles: tuple[int, int, int], causes: dict[str, bool]) -> None:
    """A system prompt takes the place of system messages; another template writes each message otherwise."""
    surplus: list[int | None] = [*by_roles, *by_roles]
    assert named(case(side(surplus, roles=[*ROLES, *ROLES]))) == causes


@pytest.mark.parametrize(
    ("template", "surplus", "output", "causes"),
    [
        (SWITCHED.replace("thinking", "true"), len("<think>"), (65,), {"doubled_think_opener": True}),
        (SWITCHED.replace("thinking", "true"), -len("<think>"), (65,), {"missing_think_opener": True}),
        (THINKING, len("<think>"), tuple(map(ord, "x</think>y")), {"added_think_opener": True}),
        (THINKING, len("<think>\n"), tuple(map(ord, "x</think>y")), {"added_think_opener": True}),
        (THINKING, len("<think>"), tuple(map(ord, "xy")), {"system_prompt": True}),
    ],
)
def test_openings_of_thoughts(template: str, surplus: int, output: tuple[int, ...], causes: dict[str, bool]) -> None:
    """Once more or once less than our template, or by a provider whose outputs close a thought that ours did not open."""
    assert named(case(side([surplus] * 6, output=output), template=template)) == causes


@pytest.mark.parametrize(
    ("surplus", "warned", "causes"),
    [
        (0, "dated_template", {"dated_template": False}),
        (3, "dated_template", {"dated_template": False}),
        (-2, "dated_template", {"dated_template": False}),
        (40, "dated_template", {"system_prompt": True}),
        (1, "dated_template", {"added_bos": False, "dated_template": False}),
        (0, "template_variables", {"other_template": False}),
        (0, "template_variables dated_template", {"other_template": False}),
        (0, "prompt_token_count", {}),
    ],
)
def test_what_findings_leave_open(surplus: int, warned: str, causes: dict[str, bool]) -> None:
    """A date, or variables that were not sent, may be why; where several things fit, none is shown."""
    assert named(case(side([surplus] * 6), warned=warned)) == causes


@pytest.mark.parametrize(
    ("surplus", "cut"),
    [
        ([0, 0, 0, 0, -1, -2, -3], (3, 23)),
        ([0] * 7, None),
        ([0, 0, 0, 0, 0, -1, -2], None),
        ([-1, 0, 0, 0, -1, -2, -3], None),
        ([0, 0, 0, 0, -1, -2, -4], None),
        ([-5] * 7, None),
        ([None] * 7, None),
        ([], None),
    ],
)
def test_cut_prompts(surplus: list[int | None], cut: tuple[int, int] | None) -> None:
    """Three lengths that all came to one, the shorter ones being counted as they are; whether or not the answers differ."""
    found = cut_prompts(case(side(surplus), differs=False))
    assert (None if found is None else (found.evidence["cut"], found.evidence["limit"])) == cut
