"""The report of a campaign, from its folder alone."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from token_difr.campaign.answers import Answers, Board, board_of, read_answers
from token_difr.campaign.folder import Day, days_of
from token_difr.campaign.pairs import pair_p_values
from token_difr.campaign.standing import standing_of
from token_difr.records import Campaign, CampaignDay, CampaignReport, ChangeSeen, SharedPair, Standing, Verdict
from token_difr.verdict.changes import change_of
from token_difr.verdict.multiplicity import benjamini_hochberg, holm
from token_difr.verdict.shared_answers import Shared, shared_answers
from token_difr.verdict.tie_groups import groups_of

__all__ = ["report_of"]

LETTERS = "abcdefghijklmnopqrstuvwxyz"


def report_of(out: Path) -> CampaignReport:
    """What the folder of a campaign shows.

    Raises:
        InputError: It holds no date of a campaign, or the copy of its file there is damaged.
    """
    read = [(day, day.campaign()) for day in days_of(out)]
    answers = [{each.name: read_answers(day.run(each.name)) for each in campaign.providers} for day, campaign in read]
    days = [_day(day, campaign, known) for (day, campaign), known in zip(read, answers, strict=True)]
    last = read[-1][1]
    dated = list(zip((day.date for day, _ in read), answers, strict=True))
    return CampaignReport(
        model=last.model,
        level=last.level,
        full=not any(each.outcomes for each in answers[-1].values()),
        days=tuple(days),
        changes=tuple(_changes(last, dated)),
    )


def _day(day: Day, campaign: Campaign, answers: dict[str, Answers]) -> CampaignDay:
    trusted = [answers[each.name] for each in campaign.baselines if answers[each.name].report is not None]
    standings = [standing_of(each, answers[each.name], trusted, day.failure(each.name)) for each in campaign.providers]
    standings = _adjusted(standings, campaign.level)
    finished = [each.name for each in standings if answers[each.name].report is not None]
    board = board_of([answers[name] for name in finished])
    pairs = list(itertools.combinations(range(len(finished)), 2))
    apart = _apart(
        pair_p_values(board, pairs, [day.run(name) for name in finished]), pairs, len(finished), campaign.level
    )
    letters = _letters(apart, finished, standings)
    return CampaignDay(
        date=day.date,
        standings=tuple(replace(each, groups=letters.get(each.name, "")) for each in standings),
        shared=tuple(_shared(board, pairs, apart, finished, campaign.level)),
    )


def _adjusted(standings: list[Standing], level: float) -> list[Standing]:
    """With p-values by Holm's procedure, and *divergent* by them."""
    judged = [place for place, each in enumerate(standings) if each.p_value is not None]
    adjusted = holm([standings[place].p_value or 0.0 for place in judged])
    for place, p_value in zip(judged, adjusted.tolist(), strict=True):
        each = standings[place]
        verdict, deviations = each.verdict, each.deviations
        if verdict is Verdict.DIVERGENT and p_value >= level:
            verdict, deviations = Verdict.INCONCLUSIVE, ()
        standings[place] = replace(each, adjusted=p_value, verdict=verdict, deviations=deviations)
    return standings


def _apart(
    p_values: Sequence[float], pairs: Sequence[tuple[int, int]], count: int, level: float
) -> npt.NDArray[np.bool_]:
    """bool[n, n]: whose pairs are told apart, by Benjamini and Hochberg's procedure."""
    apart = np.zeros((count, count), bool)
    if pairs:
        for (i, j), adjusted in zip(pairs, benjamini_hochberg(p_values), strict=True):
            apart[i, j] = apart[j, i] = adjusted < level
    return apart


def _letters(apart: npt.NDArray[np.bool_], names: Sequence[str], standings: Sequence[Standing]) -> dict[str, str]:
    """The groups' letters of each provider; a is the group of the fewest mismatches."""
    rates = {each.name: each.mismatch or 0.0 for each in standings}
    groups = sorted(groups_of(apart), key=lambda group: np.mean([rates[names[place]] for place in group]))
    named = dict.fromkeys(names, "")
    for number, group in enumerate(groups):
        for place in group:
            named[names[place]] += _letter(number)
    return named


def _letter(number: int) -> str:
    """A to z, then a2 and so on."""
    round_, letter = divmod(number, len(LETTERS))
    return LETTERS[letter] + (str(round_ + 1) if round_ else "")


def _shared(
    board: Board, pairs: Sequence[tuple[int, int]], apart: npt.NDArray[np.bool_], names: Sequence[str], level: float
) -> list[SharedPair]:
    alike = [(i, j) for i, j in pairs if not apart[i, j]]
    found: list[Shared] = []
    for i, j in alike:
        thirds = [board.tokens[k] for k in range(len(names)) if k not in {i, j} and not (apart[i, k] or apart[j, k])]
        found.append(shared_answers(board.tokens[i], board.tokens[j], thirds))
    adjusted = holm([each.p_value for each in found])
    return [
        SharedPair(
            names=(names[i], names[j]),
            asked=each.asked,
            same=each.same,
            likest_other=each.likest_other,
            p_value=float(p_value),
        )
        for (i, j), each, p_value in zip(alike, found, adjusted, strict=True)
        if each.near and p_value < level
    ]


def _changes(campaign: Campaign, dated: Sequence[tuple[str, dict[str, Answers]]]) -> list[ChangeSeen]:
    """Of every provider whose ties were answered on two dates at least."""
    level = campaign.level / max(1, len(campaign.providers))
    seen = []
    for provider in campaign.providers:
        own = [(date, answers[provider.name]) for date, answers in dated if provider.name in answers]
        held = [(date, answers) for date, answers in own if answers.outcomes]
        if len(held) < 2:
            continue
        dates = tuple(date for date, _ in held)
        outcomes = board_of([answers for _, answers in held]).outcomes
        change = change_of(np.minimum(outcomes, 1).astype(np.int8), level)
        seen.append(
            ChangeSeen(
                name=provider.name,
                dates=dates,
                wealth=tuple(change.wealth.tolist()),
                changed_at=1 / level,
                seen=None if change.alarm is None else dates[change.alarm],
                since=None if change.since is None else dates[change.since],
                before=None if change.since is None else dates[change.since - 1],
            )
        )
    return seen
