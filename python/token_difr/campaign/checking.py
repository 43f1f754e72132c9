"""What a campaign takes, before a cent is spent: what is to be sent to whom, what it costs, and who does not answer."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import NamedTuple

from token_difr.answers import Estimate
from token_difr.campaign.auditing import Audits, audits_of
from token_difr.campaign.folder import Day
from token_difr.errors import TokenDifrError
from token_difr.records import Campaign, CampaignProvider

__all__ = ["Checked", "check_campaign"]


class Checked(NamedTuple):
    """What one provider takes.

    Attributes:
        provider: The provider.
        estimate: What is still to be sent to it, and what that costs at most.
        failure: Why it, or the reference, cannot be asked; None where it answered as it should.
    """

    provider: CampaignProvider
    estimate: Estimate
    failure: str | None


async def check_campaign(campaign: Campaign, out: Path, date: str) -> list[Checked]:
    """Ask every provider for a token or a few, where ``out`` lacks something of it. Nothing is written.

    Raises:
        InputError: Ties, prompts or tokenizer cannot be loaded, or ``out`` holds another audit under a provider's name.
    """
    audits, day = audits_of(campaign), Day(out, date)
    estimates = [audits.estimate(each, day.run(each.name)) for each in campaign.providers]
    failures = await asyncio.gather(*(_failure(audits, each, day) for each in campaign.providers))
    return [Checked(*each) for each in zip(campaign.providers, estimates, failures, strict=True)]


async def _failure(audits: Audits, provider: CampaignProvider, day: Day) -> str | None:
    try:
        await audits.check(provider, day.run(provider.name))
    except TokenDifrError as error:
        return str(error)
    return None
