"""Asking an endpoint a few dozen times, and what follows from its answers."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from token_difr.answers import asks_token_ids, collect
from token_difr.endpoint import blocking, shown_url
from token_difr.errors import InputError
from token_difr.probes.agreement import Greedy, Honored, Seeds, agreement, compare_seeds
from token_difr.probes.questions import default_prompts
from token_difr.probes.samplers import SamplerFit, Untried, fit_samplers, reproducing
from token_difr.records import Asking, Conversation, Response, SamplingParams, TopKBatch, derived_seeds
from token_difr.reference import Reference, opened_reference
from token_difr.sampler import Sampler
from token_difr.sequences import Tokenizer, load_tokenizer, tokenize
from token_difr.services import open_client

if TYPE_CHECKING:
    from openai import AsyncOpenAI

__all__ = ["Probe", "aprobe", "probe"]

SAMPLED = SamplingParams(temperature=1.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Probe:
    """What an endpoint does.

    Attributes:
        provider: Its base URL.
        model: The model that it was asked for.
        answers: Number of its answers.
        params: How it was told to sample where it was to sample; the seeds are left out.
        greedy: Its answers at temperature 0.
        seeds: Its answers with equal and with different seeds.
        tokens: Tokens that were replayed; 0 where it does not honor seeds.
        samplers: The fit of each known sampler, best first; empty where it does not honor seeds.
        untried: Samplers that could not be tried.
    """

    provider: str
    model: str
    answers: int
    params: SamplingParams
    greedy: Greedy
    seeds: Seeds
    tokens: int
    samplers: tuple[SamplerFit, ...]
    untried: tuple[Untried, ...]

    @property
    def reproduced_by(self) -> tuple[str, ...]:
        """The samplers that give the endpoint's tokens, none or as many as nothing here tells apart."""
        return tuple(name for fit in reproducing(self.samplers) for name in fit.samplers)


async def aprobe(
    *,
    provider: str | AsyncOpenAI,
    model: str,
    reference: str | Reference,
    tokenizer: str | os.PathLike[str] | Tokenizer | None = None,
    prompts: Sequence[Conversation] | None = None,
    params: SamplingParams = SAMPLED,
    max_tokens: int = 48,
    token_ids: bool | None = None,
    service: str | None = None,
    vocab_size: int | None = None,
    samplers: Iterable[Sampler] | None = None,
    seed: int = 0,
    concurrency: int = 8,
    progress: bool = True,
) -> Probe:
    """Ask an endpoint each question five times: twice at temperature 0, twice with one seed, once with another.

    Args:
        provider: The endpoint's base URL, or a client of it.
        model: The model that it is asked for.
        reference: Any :class:`~token_difr.reference.Reference` of the same model, or the base URL of a server that
            speaks vLLM's dialect and knows the model's name. It is asked only if seeds are honored.
        tokenizer: The model's tokenizer, or its folder or name; None = ``model``.
        prompts: What to ask; None = twelve questions that have many answers.
        params: How to sample; a seed in it is not used. Without filters every engine's rule is simplest.
        max_tokens: The longest answer, in tokens.
        token_ids: Ask for token ids; None = only an endpoint on this machine.
        service: What the provider is; None = as its URL tells.
        vocab_size: Width of the model's logits; None leaves out the samplers whose noise depends on it.
        samplers: What to try; None = all known ones.
        seed: Chooses the seeds that are sent.
        concurrency: Requests in flight.
        progress: Show progress bars on standard error, if that is a terminal.

    Raises:
        InputError: No prompt, a greedy ``params``, or a tokenizer that cannot be loaded.
        EndpointError: The provider or the reference failed.
    """
    questions, loaded = _questions(prompts, params), _loaded(tokenizer, model)
    async with _opened(provider, reference, model) as (client, judge):
        asking = _Questioning(client, model, questions, max_tokens, token_ids, service, concurrency, progress)
        cold, hot = await asking.answers(params, seed=seed)
        first, again, other = _parts(hot, len(questions))
        seeds = compare_seeds(first, again, other)
        rows = None if seeds.honored is Honored.NO else await asking.rows(judge, [*first, *other], loaded)
    fits, untried = _fits(rows, replace(params, seed=_seeds(seed, len(questions))), samplers, vocab_size)
    return Probe(
        provider=shown_url(client),
        model=model,
        answers=len(cold) + len(hot),
        params=replace(params, seed=None),
        greedy=Greedy(agreement=agreement(*_parts(cold, len(questions)))),
        seeds=seeds,
        tokens=0 if rows is None else len(rows),
        samplers=tuple(fits),
        untried=tuple(untried),
    )


def _questions(prompts: Sequence[Conversation] | None, params: SamplingParams) -> list[Conversation]:
    questions = list(default_prompts() if prompts is None else prompts)
    if not questions or params.greedy:
        raise InputError("a probe needs at least one prompt, and a temperature above 0 to sample at")
    return questions


def _loaded(tokenizer: str | os.PathLike[str] | Tokenizer | None, model: str) -> Tokenizer:
    return load_tokenizer(tokenizer or model) if isinstance(tokenizer, str | os.PathLike | None) else tokenizer


def _fits(
    rows: TopKBatch | None, sent: SamplingParams, samplers: Iterable[Sampler] | None, vocab_size: int | None
) -> tuple[list[SamplerFit], list[Untried]]:
    """Without rows there is nothing to replay."""
    if rows is None:
        return [], []
    return fit_samplers(rows, sent, Sampler.known() if samplers is None else samplers, vocab_size=vocab_size)


@asynccontextmanager
async def _opened(
    provider: str | AsyncOpenAI, reference: str | Reference, model: str
) -> AsyncIterator[tuple[AsyncOpenAI, Reference]]:
    """Both sides as objects; those that were given as URLs are closed again."""
    async with AsyncExitStack() as stack:
        if isinstance(provider, str):
            provider = await stack.enter_async_context(open_client(provider))
        if isinstance(reference, str):
            reference = await stack.enter_async_context(opened_reference(reference, model))
        yield provider, reference


@dataclass(frozen=True, slots=True)
class _Questioning:
    """Who is asked what."""

    client: AsyncOpenAI
    model: str
    questions: list[Conversation]
    max_tokens: int
    token_ids: bool | None
    service: str | None
    concurrency: int
    progress: bool

    async def answers(self, params: SamplingParams, *, seed: int) -> tuple[list[Response], list[Response]]:
        """Each question twice at temperature 0; and twice with one seed and once with another."""
        seeds = _seeds(seed, len(self.questions))
        first = seeds[: len(self.questions)]
        asking = Asking(
            service=self.service,
            token_ids=asks_token_ids(shown_url(self.client), self.token_ids, service=self.service),
        )
        return (
            await self._asked(2, SamplingParams(), asking),
            await self._asked(3, replace(params, seed=(*first, *seeds)), asking),
        )

    async def rows(self, judge: Reference, answers: Sequence[Response], tokenizer: Tokenizer) -> TopKBatch:
        """The reference's rows of three answers a question."""
        sequences = tokenize(self.questions * 3, answers, tokenizer, max_tokens=self.max_tokens)
        return await judge.topk(sequences, concurrency=self.concurrency, progress=self.progress)

    async def _asked(self, times: int, params: SamplingParams, asking: Asking) -> list[Response]:
        return await collect(
            self.questions * times,
            client=self.client,
            model=self.model,
            params=params,
            max_tokens=self.max_tokens,
            asking=asking,
            concurrency=self.concurrency,
            progress=self.progress,
        )


def _seeds(seed: int, questions: int) -> tuple[int, ...]:
    """Two seeds a question: first those that are sent twice, then the others."""
    return derived_seeds(seed, 2 * questions)


def _parts(answers: Sequence[Response], length: int) -> list[Sequence[Response]]:
    return [answers[start : start + length] for start in range(0, len(answers), length)]


probe = blocking(aprobe, "probe")
