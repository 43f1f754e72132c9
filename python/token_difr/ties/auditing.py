"""An audit of near ties: a run directory like any other, whose rows come from the file of ties."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from contextlib import AsyncExitStack, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from token_difr.answers import ChatProvider, Turn, asks_token_ids
from token_difr.endpoint import blocking, check_concurrency, shown_url
from token_difr.errors import InputError
from token_difr.records import Asked, Asking, Audit, Judged, Rendered, Rule, SamplingParams, Scored, SequentialTest
from token_difr.records.audit import OF_TIES
from token_difr.run.audit import AuditRun
from token_difr.run.directory import RunDirectory
from token_difr.run.growing import ask_until, begun
from token_difr.run.manifest import is_run_directory, read_manifest
from token_difr.run.preflight import outstanding
from token_difr.sequences import Tokenizer, load_tokenizer, tokenizer_digest
from token_difr.services import open_client
from token_difr.ties.asking import Way, ask_ties, check_continues, way_to
from token_difr.ties.honest import HonestFlips
from token_difr.ties.judging import judge_ties, keep_rows
from token_difr.ties.mix import Mix
from token_difr.ties.order import in_order
from token_difr.ties.stopping import Answered, fewest_further, sequential_test
from token_difr.ties.tie import TieSet
from token_difr.ties.trusted import Trusted, trusted

if TYPE_CHECKING:
    from openai import AsyncOpenAI

__all__ = ["RULE", "aaudit_ties", "audit_ties"]

RULE = Rule(tolerance=0.05)
"""*consistent* excludes so many more of the ties falling the other way. Whole answers take 0.02: there a near tie is rare."""


async def aaudit_ties(
    ties: TieSet,
    *,
    provider: str | AsyncOpenAI,
    model: str,
    out: str | os.PathLike[str],
    baseline: str | os.PathLike[str] | None = None,
    tokenizer: Tokenizer | None = None,
    provider_service: str | None = None,
    provider_only: str | None = None,
    way: Way | None = None,
    extra_tokens: int = 0,
    mix: int = 0,
    precision: str | None = None,
    honest: Sequence[str | os.PathLike[str]] = (),
    until_verdict: bool = False,
    most: int | None = None,
    spread: float | None = None,
    curve: HonestFlips | None = None,
    rule: Rule = RULE,
    preflight: bool = True,
    concurrency: int = 8,
    progress: bool = True,
    turn: Turn = nullcontext,
) -> AuditRun:
    """Audit a provider by the tokens at which its model nearly had two choices.

    A tie that falls the other way is a mismatch, whose margin is the tie's gap. No reference is asked. The baseline is the
    same of an honest provider, best of the precision that is claimed: its answers to the same ties are the pairs.

    Args:
        ties: What to ask.
        provider: Its base URL, or a client of it.
        model: The model that it is asked for.
        out: The run directory; where it holds a part of this audit already, only the rest is asked for.
        baseline: The run directory of a trusted provider on the same ties; None = *inconclusive*, beside the figures.
        tokenizer: The model's tokenizer; None = the one that the ties name.
        provider_service: What the provider is, where its URL does not tell.
        provider_only: The one provider behind a router that may answer.
        way: How prefixes are sent; None = as the service takes them.
        extra_tokens: Tokens that are asked for beyond the one that counts.
        mix: Ordinary requests among which all ties are sent, see :mod:`token_difr.ties.mix`.
        precision: What the provider claims to compute in; a finding where the ties' reference did not. None = not known.
        honest: Run directories of further trusted providers on the same ties. *Divergent* is then whoever differs from each
            of them, and what they showed says how likely honest flips are.
        until_verdict: Ask a few ties at a time, in the order of :mod:`~token_difr.ties.order` by the rule's seed, until the sequential test of
            :mod:`~token_difr.verdict.betting` stops, or no tie is left that the baseline answered.
        most: Until a verdict: ask no more than so many ties, or a few more, in this call; None = as many as it takes.
        spread: Until a verdict: by which factor the odds of honest providers to flip a tie may differ, at least 1; None = by
            as much as the honest runs do, see :mod:`~token_difr.verdict.honest_providers`; three of them are needed to tell.
        curve: What other honest runs gave, at these ties or others of the model: the bets learn from it, and nothing is held
            against it.
        rule: By which rule it is judged; a match rate is over ties.
        preflight: First ask for three tokens of which the reference was sure.
        concurrency: Requests in flight.
        progress: Show a progress bar on standard error, if that is a terminal.
        turn: What every request to the provider is sent inside of, see :class:`~token_difr.answers.ChatProvider`.

    Raises:
        InputError: Something passed in is wrong, or the baseline was asked for other ties; nothing has been sent then.
        EndpointError: The provider failed, or does not go on with an answer; what has arrived is kept in ``out``.
    """
    check_concurrency(concurrency)
    _check_options(extra_tokens, mix, spread, most, until_verdict=until_verdict)
    loaded = _tokenizer_of(ties, tokenizer, model)
    async with AsyncExitStack() as stack:
        if isinstance(provider, str):
            provider = await stack.enter_async_context(open_client(provider))
        url = shown_url(provider)
        ids = asks_token_ids(url, None, service=provider_service)
        asking = Asking(service=provider_service, only=provider_only, token_ids=ids)
        asked = Asked(provider=url, model=model, params=SamplingParams(), max_tokens=1 + extra_tokens, asking=asking)
        asker = ChatProvider(provider, asking, turn=turn)
        chosen = way_to(asker, way)
        record = _record(ties, asked, chosen)
        against = trusted(baseline, honest, record, ties, out=out, learnt=curve)
        if until_verdict:
            ties = in_order(against.answered_of(ties), rule.seed)
        _check_same(out, record)
        pace = {"concurrency": concurrency, "progress": progress and not until_verdict}
        mixed = Mix(mix, len(ties.ties))
        conduct = _Conduct(ties, asker, asked, chosen, loaded, against, rule, spread, mixed, pace)
        conversations = [tie.conversation for tie in ties.ties]
        first = begun(out, len(conversations), conduct.further(None)) if until_verdict else len(conversations)
        if preflight and outstanding(out, record, conversations[:first]).answers:
            await check_continues(ties.sure, asker, model=model, way=chosen, tokenizer=loaded)
        if not until_verdict:
            with RunDirectory.create(out, conversations, record, rule=rule) as run:
                await conduct.ask(run)
                return judge_ties(run, ties, loaded, against, rule, sequential=None, precision=precision)
        with await ask_until(out, record, conversations, conduct, rule=rule, most=most) as run:
            some, test = conduct.asked_of(run), conduct.test(run)
            if test.stopped == "exhausted" and len(some.ties) < len(ties.ties):
                test = replace(test, stopped="paused")
            return judge_ties(run, some, loaded, against, rule, sequential=test, precision=precision)


audit_ties = blocking(aaudit_ties, "audit_ties")


@dataclass(frozen=True, slots=True)
class _Conduct:
    """How the ties of one audit, in their order, are asked, read and tested."""

    ties: TieSet
    provider: ChatProvider
    asked: Asked
    way: Way
    tokenizer: Tokenizer
    against: Trusted
    rule: Rule
    spread: float | None
    mix: Mix
    pace: dict[str, Any]

    async def ask(self, run: RunDirectory) -> None:
        """Ask for those ties of ``run`` that it has no answer to; keep answers, tokens and rows."""
        ties = self.asked_of(run)
        todo: dict[str, Any] = {"answered": run.responses().keys(), "keep": run.keep_response, "mix": self.mix}
        how: dict[str, Any] = {"asked": self.asked, "way": self.way, "tokenizer": self.tokenizer}
        await ask_ties(ties.ties, self.provider, **how, **todo, **self.pace)
        keep_rows(run, ties, self.tokenizer, tokens=self.asked.max_tokens)

    def test(self, run: RunDirectory) -> SequentialTest:
        """The sequential test of a run that has all answers."""
        return sequential_test(self._beside(run), self.rule, spread=self.spread)

    def further(self, run: RunDirectory | None) -> int:
        """0 where the test ends it, else as many as there can be a verdict behind at the earliest."""
        answered = self._beside(run)
        if run is not None and sequential_test(answered, self.rule, spread=self.spread).stopped != "exhausted":
            return 0
        return fewest_further(answered, self.rule, spread=self.spread)

    def asked_of(self, run: RunDirectory) -> TieSet:
        """Those that ``run`` is asked."""
        return replace(self.ties, ties=self.ties.ties[: len(run.prompts)])

    def _beside(self, run: RunDirectory | None) -> Answered:
        return self.against.beside(run, self.ties if run is None else self.asked_of(run))


def _check_options(extra_tokens: int, mix: int, spread: float | None, most: int | None, *, until_verdict: bool) -> None:
    for name, value in (("extra_tokens", extra_tokens), ("mix", mix)):
        if value < 0:
            raise InputError(f"{name} must be at least 0, not {value!r}")
    if spread is not None and not 1 <= spread < math.inf:
        raise InputError(
            f"spread must be at least 1, not {spread!r}: 2 lets the odds of honest providers differ twofold"
        )
    if most is not None and most < 1:
        raise InputError(f"most must be at least 1, not {most!r}")
    if not until_verdict and (spread is not None or most is not None):
        raise InputError("a spread, and a most number of ties, go with asking until a verdict")


def _record(ties: TieSet, asked: Asked, way: Way) -> Audit:
    """What a baseline must share stands where the reference does: the very ties, and how they are asked.

    Gaps are what the flips depend on, and answers by id and by text count an end of the answer in different ways.
    """
    return Audit(
        asked=asked,
        rendered=Rendered(tokenizer=ties.tokenizer, digest=ties.tokenizer_digest),
        judged=Judged(
            reference=ties.reference,
            model=ties.model,
            dialect=f"{OF_TIES}{ties.digest[:16]} by {way}",
            topk_logprobs=max(len(tie.token_ids) for tie in ties.ties),
        ),
        scored=Scored(),
    )


def _tokenizer_of(ties: TieSet, given: Tokenizer | None, model: str) -> Tokenizer:
    if not ties.ties:
        raise InputError("the file holds no ties: pick some")
    loaded = given or load_tokenizer(ties.tokenizer or model)
    if ties.tokenizer_digest not in {None, tokenizer_digest(loaded)}:
        raise InputError(
            "the ties were picked with another tokenizer, or another chat template: give theirs, or pick anew"
        )
    return loaded


def _check_same(out: str | os.PathLike[str], record: Audit) -> None:
    """Whether ``out`` goes on with the same ties and way: that part of a record would bind only once there are rows.

    Raises:
        InputError: It holds answers to other ties, or by another way.
    """
    if is_run_directory(Path(out)) and read_manifest(Path(out)).audit.judged != record.judged:
        raise InputError(f"{out} holds an audit of other ties, or of these by another way: choose another directory")
