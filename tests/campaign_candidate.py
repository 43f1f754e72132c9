"""A provider of a campaign whom nobody asks: nothing answers at its address."""

from __future__ import annotations

from token_difr.records import CampaignProvider

__all__ = ["CANDIDATE"]

CANDIDATE = CampaignProvider(
    name="x",
    url="http://127.0.0.1:1/v1",
    model="m",
    key_variable=None,
    service=None,
    only=None,
    price=None,
    role="candidate",
    concurrency=1,
)
