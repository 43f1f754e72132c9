"""Asking a provider for the one token behind each tie."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Collection, Sequence
from enum import StrEnum
from typing import Any

import numpy as np

from token_difr.answers import ChatProvider
from token_difr.answers.general import general_prompts
from token_difr.endpoint import ask_all
from token_difr.errors import AnswerError, EndpointError, InputError
from token_difr.records import Asked, Conversation, Response, SamplingParams
from token_difr.sequences import Tokenizer
from token_difr.ties.matching import answered_token
from token_difr.ties.tie import Tie

__all__ = ["Way", "ask_ties", "check_continues", "ordinary_questions", "way_to"]

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
    CHAT = "chat"
    """As the beginning of the assistant's message, at the chat endpoint, in the service's own way."""


def way_to(provider: ChatProvider, given: Way | None = None) -> Way:
    """``given``, or the way that the service is known to take.

    Raises:
        InputError: Ids, where the service takes none.
    """
    takes_ids = provider.profile.completions == "ids"
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
    answered: Collection[int] = (),
    keep: Callable[[Response], None],
    ordinary: Sequence[Conversation] = (),
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
        answered: Indexes of those that have an answer.
        keep: Called with every answer as it arrives.
        ordinary: Conversations among which the ties are sent, in a random order: requests for whole answers, which are thrown
            away. One that fails is let be: where the provider does, the ties tell.
        concurrency: Requests in flight.
        progress: Show a progress bar on standard error, if that is a terminal.

    Raises:
        EndpointError: See :func:`~token_difr.endpoint.ask_all`; what has arrived went to ``keep``.
    """

    async def ask(index: int) -> None:
        if index >= len(ties):
            with contextlib.suppress(EndpointError):
                how: dict[str, Any] = {"model": asked.model, "params": GREEDY, "max_tokens": ORDINARY_TOKENS}
                await provider.answer(index, ordinary[index - len(ties)], **how)
            return
        keep(await _answer(index, ties[index], provider, model=asked.model, way=way, tokens=asked.max_tokens))

    missing = [index for index in range(len(ties)) if index not in answered]
    if missing and ordinary:
        missing += range(len(ties), len(ties) + len(ordinary))
        # Of no seed: the order is nobody's to foresee.
        np.random.default_rng().shuffle(missing)
    await ask_all(missing, ask, concurrency=concurrency, label="ties", progress=progress)


def ordinary_questions(count: int) -> list[Conversation]:
    """So many general questions, drawn anew each time."""
    if not count:
        return []
    questions = general_prompts()
    return [questions[place] for place in np.random.default_rng().integers(0, len(questions), count)]


async def check_continues(
    sure: Sequence[Tie], provider: ChatProvider, *, model: str, way: Way, tokenizer: Tokenizer
) -> None:
    """Ask for tokens of which the reference was sure, so that a provider which goes on with nothing is known beforehand.

    Raises:
        AnswerError: Fewer than two of them came; says what came in place of one.
        EndpointError: The provider cannot be reached, or refuses.
    """
    wrong = []
    for index, tie in enumerate(sure):
        response = await _answer(index, tie, provider, model=model, way=way, tokens=1)
        if answered_token(tie, response, tokenizer) != tie.token_ids[0]:
            wrong.append(
                f"{_end(tie.prefix)!r} with {_what(tie, response)} where the model goes on with {tie.texts[0]!r}"
            )
    if sure and len(sure) - len(wrong) < min(FEWEST_CONTINUED, len(sure)):
        raise AnswerError(
            f"{provider.url} does not go on with an answer that has begun, so that ties cannot be asked for: it followed "
            f"{wrong[0]}. Ask by another way, pick ties of first tokens (--first-token), or audit whole answers"
        )


async def _answer(index: int, tie: Tie, provider: ChatProvider, *, model: str, way: Way, tokens: int) -> Response:
    how = {"model": model, "params": GREEDY, "max_tokens": tokens}
    if way is Way.IDS:
        return await provider.complete(index, [*tie.prompt_token_ids, *tie.prefix_token_ids], **how)  # type: ignore[arg-type]
    return await provider.answer(index, tie.conversation, **how)  # type: ignore[arg-type]


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
