"""The options of an audit, a group for each part of its record: every verb builds the same record from the same options."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from token_difr.cli import options
from token_difr.endpoint import public_url
from token_difr.errors import InputError

if TYPE_CHECKING:
    from openai import AsyncOpenAI

    from token_difr.cli.manner import PaceOptions
    from token_difr.records import Asked, Resegmented, Rule, SamplingParams, Scored

__all__ = [
    "EndpointOptions",
    "ProviderOptions",
    "RepairOptions",
    "RuleOptions",
    "SamplingOptions",
    "ScoredOptions",
]


@dataclass(frozen=True, kw_only=True)
class SamplingOptions:
    """How the provider is told to sample."""

    temperature: options.Temperature = 0.0
    top_k: options.TopK = 0
    top_p: options.TopP = 1.0
    min_p: options.MinP = 0.0
    seed: Annotated[
        int | None,
        typer.Option(
            "--seed", metavar="N", min=0, help="One seed for all answers of the provider.", show_default=False
        ),
    ] = None
    seeds: Annotated[
        str | None,
        typer.Option("--seeds", metavar="N[,N...]", help="One seed a prompt: given ones, or derived from one number."),
    ] = None

    def params(self, prompts: int) -> SamplingParams:
        """The same as parameters, with as many seeds as there are prompts.

        Raises:
            InputError: A value out of range, ``--seed`` beside ``--seeds``, or not one seed a prompt.
        """
        from token_difr.records import SamplingParams

        seed = self.seed if self.seeds is None else options.seed_a_prompt(self.seeds, prompts, beside=self.seed)
        return SamplingParams(
            temperature=self.temperature, top_k=self.top_k, top_p=self.top_p, min_p=self.min_p, seed=seed
        )


@dataclass(frozen=True, kw_only=True)
class EndpointOptions:
    """Who is asked."""

    provider: options.Provider
    model: options.Model
    provider_key_env: options.ProviderKeyEnv = None
    provider_service: options.ProviderService = None
    provider_header: options.ProviderHeader = None
    provider_header_env: options.ProviderHeaderEnv = None

    def opened(self, pace: PaceOptions) -> AbstractAsyncContextManager[AsyncOpenAI]:
        """A client of the provider.

        Raises:
            InputError: No key, or a header that is not NAME=VALUE.
        """
        from token_difr.services import open_client

        return open_client(
            self.provider,
            key_variable=self.provider_key_env,
            headers=options.asked_headers(self.provider_header, self.provider_header_env),
            **pace.of_client(),
        )


@dataclass(frozen=True, kw_only=True)
class ProviderOptions(EndpointOptions):
    """Who is audited, and how it is asked."""

    provider_only: options.ProviderOnly = None
    provider_logprobs: Annotated[
        bool,
        typer.Option("--provider-logprobs", help="Ask for the output's logprobs too, to compare with the reference's."),
    ] = False
    chat_template_kwargs: Annotated[
        str | None,
        typer.Option(
            "--chat-template-kwargs", metavar="JSON", help='Variables of the chat template: {"enable_thinking": false}.'
        ),
    ] = None
    max_tokens: options.MaxTokens = 200
    ask_token_ids: options.AskTokenIds = None

    def asked(self, params: SamplingParams) -> Asked:
        """The part of the record.

        Raises:
            InputError: No base URL, or template variables that are no JSON object.
        """
        from token_difr.answers import asks_token_ids
        from token_difr.records import Asked, Asking

        return Asked(
            provider=public_url(self.provider),
            model=self.model,
            params=params,
            max_tokens=self.max_tokens,
            asking=Asking(
                service=self.provider_service,
                only=self.provider_only,
                chat_template_kwargs=options.template_variables(self.chat_template_kwargs),
                token_ids=asks_token_ids(self.provider, self.ask_token_ids, service=self.provider_service),
                logprobs=self.provider_logprobs,
            ),
        )


@dataclass(frozen=True, kw_only=True)
class RepairOptions:
    """How much it may cost to find the tokens of answers that came as text."""

    repair_requests: Annotated[
        int | None,
        typer.Option(
            "--repair-requests",
            metavar="N",
            min=0,
            help="Most requests to the reference to find how the model cut its text.  [default: 20, or if more, a tenth "
            "of the prompts at temperature 0, half of them above]",
            show_default=False,
        ),
    ] = None
    no_repair: Annotated[
        bool, typer.Option("--no-repair", help="Take text as the tokenizer cuts it, as --repair-requests 0.")
    ] = False

    def resegmented(self) -> Resegmented:
        """The part of the record.

        Raises:
            InputError: Both are given.
        """
        from token_difr.records import Resegmented

        if self.no_repair and self.repair_requests:
            raise InputError("give --no-repair or --repair-requests, not both")
        return Resegmented(requests=0 if self.no_repair else self.repair_requests)


@dataclass(frozen=True, kw_only=True)
class ScoredOptions:
    """How the tokens are scored."""

    sampler: Annotated[
        str | None,
        typer.Option(
            "--sampler",
            metavar="ENGINE@VERSION",
            help="Whose noise to replay at a temperature above 0, such as vllm@0.33 or torch-cuda@2.9:gpu=H100.",
        ),
    ] = None
    vocab_size: options.VocabSize = None

    def scored(self) -> Scored | None:
        """The part of the record; None where nothing is stated.

        Raises:
            SamplerError: No such sampler.
        """
        from token_difr.records import Scored
        from token_difr.sampler import Sampler

        name = None if self.sampler is None else Sampler.parse(self.sampler).name
        return Scored.stated(name, self.vocab_size)


@dataclass(frozen=True, kw_only=True)
class RuleOptions:
    """By which rule a run is judged against its baseline."""

    level: Annotated[float, typer.Option("--level", help='False-alarm rate of "divergent".')] = 0.01
    permutation_seed: Annotated[
        int, typer.Option("--permutation-seed", min=0, help="Seed of the test's permutations.")
    ] = 0

    def rule(self, *, seed: int | None = None) -> Rule:
        """The same as a record; ``seed`` takes the place of that of the permutations.

        Raises:
            InputError: A level or a seed out of range.
        """
        from token_difr.records import Rule

        return Rule(level=self.level, seed=self.permutation_seed if seed is None else seed)
