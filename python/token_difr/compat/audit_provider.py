"""``audit_provider``: one call from prompts to averages, through OpenRouter and against Fireworks."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from token_difr.compat.openrouter import generate_openrouter_responses
from token_difr.compat.openrouter_samples import tokenize_openrouter_responses
from token_difr.compat.scoring import OldParams
from token_difr.endpoint import blocking
from token_difr.errors import InputError
from token_difr.records import Conversation
from token_difr.reference import FireworksReference, Reference
from token_difr.sampler import Sampler
from token_difr.scores import compute_metrics_summary
from token_difr.sequences import load_tokenizer
from token_difr.services import FIREWORKS_MODEL_REGISTRY, get_openrouter_name, open_client, profile_named
from token_difr.services.addresses import service_url

if TYPE_CHECKING:
    from openai import AsyncOpenAI

__all__ = ["AuditResult", "audit_provider", "checked_key", "service_client"]

TOPK_LOGPROBS = 5
"""The most that Fireworks gives."""


@dataclass
class AuditResult:
    """Averages over all output tokens of an audit.

    Attributes:
        exact_match_rate: Share of the tokens that are the reference's own choice.
        avg_prob: Mean probability of the tokens under the reference.
        avg_margin: Mean of the finite margins, in nats.
        avg_logit_rank: Mean number of tokens that the reference finds likelier.
        avg_gumbel_rank: The same with the sampling noise.
        infinite_margin_rate: Share of the tokens outside what the reference shows.
        total_tokens: Number of tokens.
        n_sequences: Number of answers.
    """

    exact_match_rate: float
    avg_prob: float
    avg_margin: float
    avg_logit_rank: float
    avg_gumbel_rank: float
    infinite_margin_rate: float
    total_tokens: int
    n_sequences: int

    def __repr__(self) -> str:
        return (
            f"AuditResult({self.exact_match_rate:.1%} match rate, "
            f"{self.total_tokens} tokens across {self.n_sequences} sequences)"
        )


async def _audit_provider(  # noqa: PLR0917  # the signature of 0.1
    conversations: Sequence[Conversation],
    model: str,
    provider: str | None = None,
    temperature: float = 0.0,
    max_tokens: int = 100,
    seed: int = 42,
    top_k: int = 50,
    top_p: float = 0.95,
    concurrency: int = 20,
    *,
    openrouter_base_url: str | None = None,
    fireworks_base_url: str | None = None,
    reference: Reference | None = None,
    tokenizer: Any = None,
    trust_remote_code: bool = False,
    sampler: Sampler | str | None = None,
    logits_width: int | None = None,
) -> AuditResult:
    """Ask a provider behind OpenRouter, and score its answers against Fireworks. Nothing is stored.

    Works inside a running event loop too. :func:`token_difr.audit` also keeps the answers and comes to a verdict.

    Args:
        conversations: What to ask; :func:`token_difr.construct_prompts` has some.
        model: The model's name on the Hugging Face hub, or its folder; what Fireworks calls it must be registered.
        provider: The provider behind OpenRouter that must answer; None = OpenRouter's choice.
        temperature: Sampling temperature. Above 0 tokens are scored against the arg-max, with a ``UserWarning``,
            unless ``sampler`` is given.
        max_tokens: The longest answer, in tokens.
        seed: Sampling seed, sent along.
        top_k: Filter of the sampling; acts with a sampler only.
        top_p: Filter of the sampling; acts with a sampler only.
        concurrency: Requests in flight.
        openrouter_base_url: Another base URL than OpenRouter's; None = ``OPENROUTER_BASE_URL``, if that is set.
        fireworks_base_url: Another base URL than Fireworks'; None = ``FIREWORKS_BASE_URL``, if that is set.
        reference: Whom to ask instead of Fireworks, whose key and name of the model are then not needed.
        tokenizer: The model's tokenizer; None = that of ``model``.
        trust_remote_code: Run the tokenizer's own code, if it comes with some.
        sampler: How the provider's engine draws its noise: a ``token_difr.Sampler`` or its name.
        logits_width: Number of the model's logits (its config's ``vocab_size``), for samplers that need it.

    Raises:
        InputError: A key is not set, the model is not registered, or it has no tokenizer; nothing has been sent then.
        EndpointError: The provider or the reference failed.
    """
    fireworks_name = _checked(model, reference)
    params = OldParams(temperature=temperature, top_k=top_k, top_p=top_p, seed=seed, sampler=sampler)
    params.warn_if_ignored()
    tokenizer = tokenizer or load_tokenizer(model, trust_remote_code=trust_remote_code)
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(service_client("openrouter", openrouter_base_url))
        reference = reference or await _fireworks(stack, fireworks_name, fireworks_base_url)
        responses = await generate_openrouter_responses(
            client, conversations, get_openrouter_name(model), provider, temperature, max_tokens, concurrency, seed
        )
        sequences = tokenize_openrouter_responses(conversations, responses, tokenizer, max_tokens)
        batch = await reference.topk(sequences, concurrency=concurrency)
    scores = params.score(batch, logits_width=logits_width, verbose=False)
    return AuditResult(**compute_metrics_summary(scores), n_sequences=len(sequences))


audit_provider = blocking(_audit_provider, "audit_provider")


def _checked(model: str, reference: Reference | None) -> str:
    """What Fireworks calls the model, "" where it is not asked; without a key or a name nothing is sent."""
    checked_key("openrouter")
    if reference is not None:
        return ""
    checked_key("fireworks")
    return FIREWORKS_MODEL_REGISTRY[model]


def checked_key(service: str) -> None:
    """Make sure that a service's key is set.

    Raises:
        InputError: It is not.
    """
    variable = profile_named(service).key_variable
    if variable is not None and not os.environ.get(variable):
        raise InputError(f"{variable} environment variable not set")


async def _fireworks(stack: AsyncExitStack, model: str, url: str | None) -> Reference:
    client = await stack.enter_async_context(service_client("fireworks", url))
    return FireworksReference(client, model, topk_logprobs=TOPK_LOGPROBS)


def service_client(service: str, url: str | None) -> AsyncOpenAI:
    """A client of a service at ``url``; None = where its variable says, else where it is known to be."""
    profile = profile_named(service)
    return open_client(url or service_url(profile) or "", key_variable=profile.key_variable)
