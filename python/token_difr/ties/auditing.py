"""An audit of near ties: a run directory like any other, whose rows come from the file of ties."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from token_difr.answers import ChatProvider, asks_token_ids
from token_difr.endpoint import blocking, check_concurrency, shown_url
from token_difr.errors import InputError
from token_difr.records import Asked, Asking, Audit, Judged, Rendered, Rule, SamplingParams, Scored
from token_difr.run.audit import AuditRun
from token_difr.run.baseline import Baseline, baseline_of
from token_difr.run.deciding import decide_run
from token_difr.run.directory import RunDirectory
from token_difr.run.pairing import prompt_digests
from token_difr.run.stages import score_run
from token_difr.sequences import Tokenizer, load_tokenizer
from token_difr.services import open_client
from token_difr.ties.asking import Way, ask_ties, check_continues, way_to
from token_difr.ties.matching import answered_token, rows_of, sequence_of
from token_difr.ties.tie import TieSet

if TYPE_CHECKING:
    from openai import AsyncOpenAI

__all__ = ["TOLERANCE", "aaudit_ties", "audit_ties"]

DIALECT = "ties"
"""What the record says in place of a reference's dialect."""

TOLERANCE = 0.05
"""*consistent* excludes so much more of the ties falling the other way. Whole answers take 0.02: there a near tie is rare."""


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
    level: float = 0.01,
    tolerance: float = TOLERANCE,
    preflight: bool = True,
    concurrency: int = 8,
    progress: bool = True,
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
        level: False-alarm rate of *divergent*.
        tolerance: The loss of match rate, over ties, that *consistent* excludes.
        preflight: First ask for three tokens of which the reference was sure.
        concurrency: Requests in flight.
        progress: Show a progress bar on standard error, if that is a terminal.

    Raises:
        InputError: Something passed in is wrong, or the baseline was asked for other ties; nothing has been sent then.
        EndpointError: The provider failed, or does not go on with an answer; what has arrived is kept in ``out``.
    """
    check_concurrency(concurrency)
    if extra_tokens < 0:
        raise InputError(f"extra_tokens must be at least 0, not {extra_tokens!r}")
    if not ties.ties:
        raise InputError("the file holds no ties: pick some")
    rule, loaded = Rule(level=level, tolerance=tolerance), tokenizer or load_tokenizer(ties.tokenizer or model)
    opened = open_client(provider) if isinstance(provider, str) else None
    client = await opened.__aenter__() if opened is not None else provider
    try:
        url = shown_url(client)  # type: ignore[arg-type]
        asking = Asking(
            service=provider_service,
            only=provider_only,
            token_ids=asks_token_ids(url, None, service=provider_service),
        )
        asked = Asked(provider=url, model=model, params=SamplingParams(), max_tokens=1 + extra_tokens, asking=asking)
        record = _record(ties, asked)
        against = _same_ties(baseline_of(baseline, record, out=out), ties, baseline)
        asker = ChatProvider(client, asking)  # type: ignore[arg-type]
        how: dict[str, Any] = {"model": model, "way": way_to(asker, way)}
        if preflight and not _is_complete(out, ties):
            await check_continues(ties.sure, asker, tokenizer=loaded, **how)
        with RunDirectory.create(out, [tie.conversation for tie in ties.ties], record) as run:
            pace: dict[str, Any] = {"concurrency": concurrency, "progress": progress}
            answered = run.responses().keys()
            await ask_ties(
                ties.ties, asker, tokens=1 + extra_tokens, answered=answered, keep=run.keep_response, **how, **pace
            )
            _keep_rows(run, ties, loaded)
            scores = score_run(run)
            report = decide_run(run, scores, against, rule=rule, tokenizer=loaded)
            return AuditRun(path=run.path, scores=scores.scores, report=report)
    finally:
        if opened is not None:
            await opened.__aexit__(None, None, None)


audit_ties = blocking(aaudit_ties, "audit_ties")


def _record(ties: TieSet, asked: Asked) -> Audit:
    return Audit(
        asked=asked,
        rendered=Rendered(tokenizer=ties.tokenizer, digest=ties.tokenizer_digest),
        judged=Judged(
            reference=ties.reference,
            model=ties.model,
            dialect=DIALECT,
            topk_logprobs=max(len(tie.token_ids) for tie in ties.ties),
        ),
        scored=Scored(),
    )


def _same_ties(against: Baseline | None, ties: TieSet, given: object) -> Baseline | None:
    """The baseline, which must have been asked for the very same ties: their gaps are what the flips depend on."""
    if against is not None and against.prompts != prompt_digests([tie.conversation for tie in ties.ties]):
        raise InputError(f"the baseline {given} was not asked for these ties: ask it for the same file first")
    return against


def _is_complete(out: str | os.PathLike[str], ties: TieSet) -> bool:
    """Whether every answer is here already, so that nothing will be asked."""
    if not (Path(out) / "run.json").exists():
        return False
    with RunDirectory.read(out) as run:
        return len(run.responses()) == len(ties.ties)


def _keep_rows(run: RunDirectory, ties: TieSet, tokenizer: Tokenizer) -> None:
    """Tokens and rows of the answers that have none yet."""
    responses, done = run.responses(), run.sequences()
    made = {}
    for index, tie in enumerate(ties.ties):
        if index not in done:
            by_id = bool(responses[index].choice.get("token_ids"))
            made[index] = sequence_of(tie, answered_token(tie, responses[index], tokenizer), by_id=by_id)
    if made:
        run.keep_sequences(made)
    sequences, judged = run.sequences(), run.rows()
    for index, tie in enumerate(ties.ties):
        if index not in judged:
            run.keep_rows(index, rows_of(tie, sequences[index]))
