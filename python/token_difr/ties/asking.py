"""Asking a provider for the one token behind each tie."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

import numpy as np

from token_difr.answers import ChatProvider
from token_difr.endpoint import ask_all, stops_everything
from token_difr.errors import AnswerError, EndpointError, InputError
from token_difr.records import Asked, Conversation, Response, SamplingParams
from token_difr.sequences import Tokenizer, render, rendered_text
from token_difr.ties.matching import answered_token
from token_difr.ties.mix import Mix
from token_difr.ties.text_prompt import text_prompt
from token_difr.ties.tie import Tie

__all__ = ["Way", "ask_ties", "check_continues", "way_to"]

GREEDY = SamplingParams()

FEWEST_CONTINUED = 2
"""Of the sure places, of which there are three: one may be lost to whatever a provider does to a text."""

LONGEST_SHOWN = 60

ORDINARY_TOKENS = 100
"""Longest answer to a request among which ties are sent."""


class Way(StrEnum):
    """How the prefix of a tie reaches the provider."""

    IDS = "ids"
    """As token ids, at the completions endpoint: the very tokens of the reference."""
    TEXT = "text"
    """As text, at the completions endpoint, written as the chat template does."""
    CHAT = "chat"
    """As the beginning of the assistant's message, at the chat endpoint, in the service's own way."""


def way_to(provider: ChatProvider, given: Way | None = None) -> Way:
    """``given``, or the way that the service is known to take.

    Raises:
        InputError: Ids or text, where the service takes none.
    """
    takes_ids = provider.profile.completions == "ids"
    if given is Way.TEXT and not provider.profile.completions:
        raise InputError(f"{provider.profile.name} is not known to have a completions endpoint: ask by chat")
    if given is Way.IDS and not takes_ids:
        raise InputError(
            f"{provider.profile.name} is not known to take token ids at its completions endpoint: ask by chat"
        )
    return given or (Way.IDS if takes_ids else Way.CHAT)


async def ask_ties(
    ties: Sequence[Tie],
    provider: ChatProvider,
    *,
    asked: Asked,
    way: Way,
    tokenizer: Tokenizer,
    answered: Collection[int] = (),
    keep: Callable[[Response], None],
    mix: Mix | None = None,
    concurrency: int = 8,
    progress: bool = True,
) -> None:
    """Ask for the token behind every tie that has no answer yet.

    Args:
        ties: The ties.
        provider: Whom to ask.
        asked: For which model it is asked, and for how many tokens: the first counts, and a provider may know requests for
            a single one.
        way: How the prefix is sent.
        tokenizer: The model's tokenizer.
        answered: Indexes of those that have an answer.
        keep: Called with every answer as it arrives.
        mix: Ordinary requests among which they are sent, in a random order.
        concurrency: Requests in flight.
        progress: Show a progress bar on standard error, if that is a terminal.

    Raises:
        EndpointError: See :func:`~token_difr.endpoint.ask_all`; what has arrived went to ``keep``.
    """
    missing = [index for index in range(len(ties)) if index not in answered]
    ordinary = [] if mix is None else mix.beside(missing)
    asking = _Asking(provider, asked.model, way, tokenizer, asked.max_tokens)

    async def ask(index: int) -> None:
        if index < len(ties):
            keep(await asking.answer(index, ties[index]))
            return
        try:
            await asking.answer_ordinary(ordinary[index - len(ties)])
        except EndpointError as error:  # where the provider fails, the ties tell
            if stops_everything(error):
                raise

    places = np.array([*missing, *range(len(ties), len(ties) + len(ordinary))], dtype=np.int64)
    if ordinary:
        # Of no seed: the order is nobody's to foresee.
        np.random.default_rng().shuffle(places)
    await ask_all(places.tolist(), ask, concurrency=concurrency, label="ties", progress=progress)


async def check_continues(
    sure: Sequence[Tie], provider: ChatProvider, *, model: str, way: Way, tokenizer: Tokenizer
) -> None:
    """Ask for tokens of which the reference was sure, so that a provider which goes on with nothing is known beforehand.

    Raises:
        AnswerError: Fewer than two of them came; says what came in place of one.
        EndpointError: The provider cannot be reached, or refuses.
    """
    asking, wrong = _Asking(provider, model, way, tokenizer, 1), []
    for index, tie in enumerate(sure):
        response = await asking.answer(index, tie)
        if answered_token(tie, response, tokenizer) != tie.token_ids[0]:
            wrong.append(
                f"{_end(tie.prefix)!r} with {_what(tie, response)} where the model goes on with {tie.texts[0]!r}"
            )
    if sure and len(sure) - len(wrong) < min(FEWEST_CONTINUED, len(sure)):
        raise AnswerError(
            f"{provider.url} does not go on with an answer that has begun, so that ties cannot be asked for: it followed "
            f"{wrong[0]}. Ask by another way, pick ties of first tokens (--first-token), or audit whole answers"
        )


class _Asking(NamedTuple):
    """Who is asked, for what, and how."""

    provider: ChatProvider
    model: str
    way: Way
    tokenizer: Tokenizer
    tokens: int

    async def answer(self, index: int, tie: Tie) -> Response:
        """What comes behind a tie, number ``index``."""
        if self.way is Way.CHAT:
            return await self.provider.answer(index, tie.conversation, **self._how(self.tokens))
        ids = [*tie.prompt_token_ids, *tie.prefix_token_ids]
        prompt = text_prompt(tie, self.tokenizer) if self.way is Way.TEXT else ids
        return await self.provider.complete(index, prompt, **self._how(self.tokens))

    async def answer_ordinary(self, conversation: Conversation) -> None:
        """Ask on the same path as for ties, and for as many tokens where that is more than one."""
        how = self._how(self.tokens if self.tokens > 1 else ORDINARY_TOKENS)
        if self.way is Way.CHAT:
            await self.provider.answer(0, conversation, **how)
            return
        prompt: str | list[int]
        if self.way is Way.TEXT:
            prompt = rendered_text(conversation, self.tokenizer, add_generation_prompt=True)
        else:
            prompt = render(conversation, self.tokenizer)
        await self.provider.complete(0, prompt, **how)

    def _how(self, tokens: int) -> dict[str, Any]:
        return {"model": self.model, "params": GREEDY, "max_tokens": tokens}


def _what(tie: Tie, response: Response) -> str:
    text = response.reasoning + response.content
    if not text:
        return "nothing"
    if not text.strip():
        return "white space only"
    same = sum(
        1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], zip(tie.prefix, text.lstrip(), strict=False))
    )
    begins = " (it starts anew)" if tie.prefix and same >= min(len(text.strip()), len(tie.prefix)) else ""
    return f"{text[:LONGEST_SHOWN]!r}{begins}"


def _end(text: str) -> str:
    return text[-LONGEST_SHOWN:]
