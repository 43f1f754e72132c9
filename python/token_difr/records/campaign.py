"""A campaign: many providers asked the same, as its file states it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from token_difr.records.sampling import SamplingParams

__all__ = ["Campaign", "CampaignProvider", "CampaignReference", "Price"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Price:
    """What a provider takes.

    Attributes:
        input: A million prompt tokens, in US dollars, or whatever else the budget is reckoned in.
        output: A million tokens of the answers, likewise.
    """

    input: float
    output: float


@dataclass(frozen=True, kw_only=True, slots=True)
class CampaignProvider:
    """One provider of a campaign.

    Attributes:
        name: Its name in tables, and of its run directories.
        url: Its base URL.
        model: The model that it is asked for.
        key_variable: The environment variable that holds its key; None = the service's own, or none.
        service: What it is, where its URL does not tell; None = as the URL tells.
        only: The one provider behind a router that may answer; None = whoever the router takes.
        price: What it takes; None = not known.
        role: "baseline" of a provider that is trusted, "candidate" of one that is judged.
        concurrency: Requests in flight to it at most.
    """

    name: str
    url: str
    model: str
    key_variable: str | None
    service: str | None
    only: str | None
    price: Price | None
    role: Literal["candidate", "baseline"]
    concurrency: int


@dataclass(frozen=True, kw_only=True, slots=True)
class CampaignReference:
    """Who judges whole answers.

    Attributes:
        url: Its base URL, a model's folder, or a GGUF file.
        model: The model, by the reference's name.
        dialect: What it speaks.
        key_variable: The environment variable that holds its key; None = the service's own, or none.
        topk_logprobs: Logprobs a position.
    """

    url: str
    model: str
    dialect: str
    key_variable: str | None
    topk_logprobs: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Campaign:
    """What a campaign's file says; paths are those of existing files.

    Attributes:
        path: The file.
        model: The model.
        tokenizer: Its tokenizer, or its folder or name; None = the ties' own, else ``model``.
        ties: The file of near ties; None where whole answers alone are audited.
        way: How ties are sent, "ids", "text" or "chat"; None = as each service takes them.
        extra_tokens: Tokens that are asked for beyond the one of a tie.
        full: Whether whole answers are audited and not ties.
        prompts: The file of prompts, for whole answers; None = none.
        reference: Who judges whole answers; None = nobody.
        sampling: How whole answers are sampled.
        max_tokens: The longest whole answer, in tokens.
        level: False-alarm rate, of all providers of a date together.
        budget: What one date may cost at most, in the unit of the prices; None = no limit.
        concurrency: Requests in flight to all providers together at most.
        providers: The providers, in the file's order.
    """

    path: Path
    model: str
    tokenizer: str | None
    ties: Path | None
    way: str | None
    extra_tokens: int
    full: bool
    prompts: Path | None
    reference: CampaignReference | None
    sampling: SamplingParams
    max_tokens: int
    level: float
    budget: float | None
    concurrency: int
    providers: tuple[CampaignProvider, ...]

    @property
    def baselines(self) -> tuple[CampaignProvider, ...]:
        """The trusted ones, of which the first makes the pairs."""
        return tuple(each for each in self.providers if each.role == "baseline")

    @property
    def candidates(self) -> tuple[CampaignProvider, ...]:
        """The judged ones."""
        return tuple(each for each in self.providers if each.role == "candidate")
