"""Running a campaign: everybody is asked at once, by turns; then everybody is judged. Who fails stops nobody else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from token_difr.campaign.auditing import Audits, answered, audits_of
from token_difr.campaign.folder import Day
from token_difr.campaign.turns import Turns
from token_difr.errors import AuthenticationError, InputError, LimitError, TokenDifrError, UnknownModelError
from token_difr.records import Campaign, CampaignProvider

__all__ = ["ask_provider", "check_budget", "run_campaign"]

FRUITLESS = 3
"""So many times in a row a provider is asked and answers nothing more, until it has failed: who is busy may answer the next time."""

FOR_GOOD = (InputError, AuthenticationError, UnknownModelError)
"""What asking again does not mend."""

Tell = Callable[[str, str], None]
"""Called with a provider's name, and what has changed, as one line."""


async def run_campaign(campaign: Campaign, out: Path, date: str, *, tell: Tell) -> None:
    """Ask and judge all providers; the folder of the date holds what comes of it.

    The same again asks for what is missing, and for nothing that was answered.

    Args:
        campaign: The campaign.
        out: Its folder.
        date: The date, by ISO 8601.
        tell: What is told of progress.

    Raises:
        InputError: Ties, prompts or tokenizer cannot be loaded.
        LimitError: It may cost more than the budget; nothing has been sent then.
        RunDirectoryError: The folder cannot be written.
    """
    audits, day = audits_of(campaign), Day(out, date)
    check_budget(campaign, audits, day)
    day.begin(campaign)
    turns = Turns(campaign.concurrency)
    async with asyncio.TaskGroup() as group:
        asking = [group.create_task(ask_provider(audits, each, day, turns, tell)) for each in campaign.providers]
    whole = {each.name for each, task in zip(campaign.providers, asking, strict=True) if task.result()}
    trusted = [day.run(each.name) for each in campaign.baselines if each.name in whole]
    for provider in campaign.providers:
        if provider.name in whole:
            baselines = [] if provider.role == "baseline" else trusted
            await _judge(audits, provider, day, baselines, tell)


def check_budget(campaign: Campaign, audits: Audits, day: Day) -> float | None:
    """What is still to be sent costs so much at most; None where a price is not known.

    Raises:
        LimitError: More than the budget.
    """
    costs = [audits.estimate(each, day.run(each.name)).max_cost for each in campaign.providers]
    if None in costs:
        return None
    total = sum(cost for cost in costs if cost is not None)
    if campaign.budget is not None and total > campaign.budget:
        raise LimitError(
            f"what is still to be asked may cost {total:,.4f}, and the budget is {campaign.budget:,.4f}: nothing was sent. "
            "Raise it, or ask for less"
        )
    return total


async def ask_provider(audits: Audits, provider: CampaignProvider, day: Day, turns: Turns, tell: Tell) -> bool:
    """Ask one provider for all that is missing, again where that may help.

    Returns:
        Whether it has answered everything; else the folder of the date holds the reason.
    """
    name, out = provider.name, day.run(provider.name)
    held, fruitless = answered(out), 0
    tell(name, f"goes on, {held:,} answers are there" if held else "is asked")
    while fruitless < FRUITLESS:
        try:
            await audits.ask(provider, out, turns.of(name))
        except TokenDifrError as error:
            day.keep_failure(name, str(error))
            now = answered(out)
            fruitless, held = (0 if now > held else fruitless + 1), now
            tell(name, f"{held:,} answers so far: {error}")
            if isinstance(error, FOR_GOOD):
                break
            continue
        day.clear_failure(name)
        tell(name, f"{answered(out):,} answers, all there")
        return True
    tell(name, "failed: the same command asks again for what is missing")
    return False


async def _judge(audits: Audits, provider: CampaignProvider, day: Day, baselines: list[Path], tell: Tell) -> None:
    try:
        run = await audits.judge(provider, day.run(provider.name), baselines)
    except TokenDifrError as error:
        day.keep_failure(provider.name, str(error))
        tell(provider.name, f"cannot be judged: {error}")
        return
    tell(provider.name, "trusted" if provider.role == "baseline" else f"{run.verdict} by itself: {run.decision.reason}")
