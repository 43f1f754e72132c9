"""Picking ties: the places of a reference's own answers at which its two likeliest tokens were close.

What is kept must mean the same to every provider. So a place is left out where its prefix, sent as text, would be read as other
tokens than the reference's, or where one of the two tokens has no text that an answer would show.
"""

from __future__ import annotations

import itertools
import os
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from token_difr.endpoint import blocking
from token_difr.errors import InputError
from token_difr.records import Audit, Conversation, SamplingParams, Scored, TokenSequence, TopKBatch
from token_difr.run.directory import RunDirectory
from token_difr.run.manifest import now
from token_difr.run.sides import opened_sides
from token_difr.run.stages import collect_run, reference_run, tokenize_run
from token_difr.sequences import Tokenizer, decode_behind, encode_behind, render, rendered_text
from token_difr.ties.tie import Tie, TieSet

if TYPE_CHECKING:
    from token_difr.reference import Reference

__all__ = ["GAPS", "apick_ties", "near_ties", "pick_ties"]

GAPS = (0.005, 0.5)
"""Nats between the two likeliest. Below, honest runs fall either way; above, few deviations reach."""

SURE_GAP = 5.0
"""The likeliest token has 99 % where the second is this far behind: no rounding of weights moves that."""

SURE_PLACES = 3
GAP_BINS = 6
POSITION_BINS = 3
REPLACEMENT = "\ufffd"


def near_ties(
    prompts: Sequence[Conversation],
    sequences: Sequence[TokenSequence],
    batch: TopKBatch,
    tokenizer: Tokenizer,
    *,
    gaps: tuple[float, float] = GAPS,
    first_token: bool = False,
) -> Iterator[Tie]:
    """All places of a reference's own greedy answers whose gap lies in ``gaps``.

    Args:
        prompts: The conversations.
        sequences: Its answers to them.
        batch: Its rows on these answers.
        tokenizer: The model's tokenizer.
        gaps: Least and largest gap, in nats.
        first_token: Only the first token of an answer, for providers that go on with nothing.
    """
    lead = _leads(batch)
    for index, sequence in enumerate(sequences):
        start, end = int(batch.sequence_indptr[index]), int(batch.sequence_indptr[index + 1])
        wanted = [at for at in range(start, end) if gaps[0] <= lead[at] <= gaps[1]]
        for at in wanted:
            offset = at - start
            if first_token and offset:
                break
            tie = _tie(prompts[index], sequence, offset, _row(batch, at), tokenizer)
            if tie is not None and _reads_alike(tie, tokenizer):
                yield tie


async def apick_ties(
    prompts: Sequence[Conversation],
    *,
    reference: str | Reference,
    provider: Any,
    model: str,
    run: str | os.PathLike[str],
    tokenizer: str | os.PathLike[str] | Tokenizer | None = None,
    reference_dialect: str = "vllm",
    precision: str | None = None,
    max_tokens: int = 100,
    gaps: tuple[float, float] = GAPS,
    per_prompt: int = 1,
    count: int = 500,
    first_token: bool = False,
    seed: int = 0,
    concurrency: int = 8,
    progress: bool = True,
) -> TieSet:
    """Let the reference answer greedily, once, and keep its near ties.

    Args:
        prompts: The conversations.
        reference: Any ``Reference``, or its base URL.
        provider: The base URL, or a client, of the same model's chat endpoint: who answers.
        model: The model that it is asked for.
        run: A run directory for the answers and rows; where it holds a part of them already, only the rest is asked for.
        tokenizer: The model's tokenizer, or its folder or name; None = ``model``.
        reference_dialect: How a ``reference`` given by its URL is spoken to.
        precision: What the reference computes in, such as "bfloat16"; kept with the ties, None = not stated.
        max_tokens: The longest answer, in tokens.
        gaps: Least and largest gap between the two likeliest tokens, in nats.
        per_prompt: The most ties of one answer.
        count: The most ties.
        first_token: Only first tokens of answers, for providers that go on with nothing.
        seed: Of the choice among places that are as good, and of their order.
        concurrency: Requests in flight.
        progress: Show progress bars on standard error, if that is a terminal.

    Raises:
        InputError: No place among the answers is a near tie, or an option out of range.
        EndpointError: The reference failed; what has arrived is kept in ``run``.
    """
    _check_options(gaps, per_prompt, count)
    pace: dict[str, Any] = {"concurrency": concurrency, "progress": progress}
    how = {"service": None, "only": None, "logprobs": False}
    async with opened_sides(provider, reference, reference_dialect, model, tokenizer or model) as (sides, rendered):
        asked = sides.asked(model, SamplingParams(), max_tokens, None, None, how)
        record = Audit(asked=asked, rendered=rendered, judged=sides.judged, scored=Scored())
        with RunDirectory.create(run, prompts, record) as kept:
            await collect_run(kept, sides.provider, **pace)
            tokenize_run(kept, sides.tokenizer)
            await reference_run(kept, sides.reference, **pace)
            found, sure = _places(kept, sides.tokenizer, gaps=gaps, first_token=first_token)
        return TieSet(
            reference=sides.reference.url,
            model=sides.reference.model,
            tokenizer=rendered.tokenizer,
            tokenizer_digest=rendered.digest,
            picked=now(),
            ties=tuple(_balanced(found, count, per_prompt, gaps, np.random.default_rng(seed))),
            sure=tuple(sure),
            precision=precision,
        )


pick_ties = blocking(apick_ties, "pick_ties")


def _check_options(gaps: tuple[float, float], per_prompt: int, count: int) -> None:
    if not 0 <= gaps[0] < gaps[1]:
        raise InputError(f"gaps are two numbers of nats, the smaller first, not {gaps[0]:g} and {gaps[1]:g}")
    if per_prompt < 1 or count < 1:
        raise InputError("at least one tie a prompt, and one in all, must be picked")


def _places(
    run: RunDirectory, tokenizer: Tokenizer, *, gaps: tuple[float, float], first_token: bool
) -> tuple[list[Tie], list[Tie]]:
    """All near ties of a finished run, and some places at which the reference was sure.

    Raises:
        InputError: There is no near tie.
    """
    sequences = run.sequences()
    ordered = [sequences[index] for index in range(len(run.prompts))]
    everything = (run.prompts, ordered, run.batch(), tokenizer)
    found = list(near_ties(*everything, gaps=gaps, first_token=first_token))
    if not found:
        raise InputError(
            f"none of {len(run.prompts)} answers has a place where the two likeliest tokens are {gaps[0]:g} to {gaps[1]:g} "
            "nats apart: give more prompts, or wider --gaps"
        )
    return found, list(itertools.islice(_sure_places(*everything, first_token=first_token), SURE_PLACES))


def _sure_places(
    prompts: Sequence[Conversation],
    sequences: Sequence[TokenSequence],
    batch: TopKBatch,
    tokenizer: Tokenizer,
    *,
    first_token: bool,
) -> Iterator[Tie]:
    """A place an answer at which the reference was sure, the one nearest to its middle.

    A beginning may be the same whatever an answer goes on from.
    """
    lead = _leads(batch)
    for index, sequence in enumerate(sequences):
        start, end = int(batch.sequence_indptr[index]), int(batch.sequence_indptr[index + 1])
        offsets = [at - start for at in range(start, end) if lead[at] >= SURE_GAP]
        for offset in sorted(offsets, key=lambda each: abs(each - (end - start) // 2)):
            if first_token and offset:
                continue
            tie = _tie(prompts[index], sequence, offset, _row(batch, start + offset), tokenizer)
            if tie is not None and _reads_alike(tie, tokenizer):
                yield tie
                break


def _leads(batch: TopKBatch) -> np.ndarray[Any, np.dtype[np.float64]]:
    """float64[n]: by how much each row's first token leads its second; NaN where that is not the claimed token, or no two are finite."""
    lead = np.full(len(batch), np.nan)
    starts = batch.indptr[:-1]
    wide = np.flatnonzero(np.diff(batch.indptr) >= 2)
    first, second = batch.logprobs[starts[wide]].astype(float), batch.logprobs[starts[wide] + 1].astype(float)
    own = np.isfinite(second) & (batch.token_ids[starts[wide]] == batch.claimed[wide])
    lead[wide[own]] = first[own] - second[own]
    return lead


def _row(batch: TopKBatch, at: int) -> tuple[list[int], list[float]]:
    part = slice(int(batch.indptr[at]), int(batch.indptr[at + 1]))
    finite = np.isfinite(batch.logprobs[part])
    return batch.token_ids[part][finite].tolist(), batch.logprobs[part][finite].tolist()


def _tie(
    prompt: Conversation,
    sequence: TokenSequence,
    offset: int,
    row: tuple[list[int], list[float]],
    tokenizer: Tokenizer,
) -> Tie | None:
    """The tie at a place; None where one of the two tokens has no text of its own to be known by."""
    token_ids, logprobs = row
    prompt_ids, prefix_ids = list(sequence.prompt_token_ids), list(sequence.output_token_ids[:offset])
    before = [*prompt_ids, *prefix_ids]

    def text(token: int) -> str:
        return decode_behind(before, [token], tokenizer)

    first, second = (text(token) for token in token_ids[:2])
    shown = [tokenizer.decode([token], skip_special_tokens=True) for token in token_ids[:2]]
    if not all(map(str.strip, shown)) or REPLACEMENT in first + second or first.strip() == second.strip():
        return None
    return Tie(
        prompt=prompt,
        prompt_token_ids=tuple(map(int, prompt_ids)),
        prefix=decode_behind(prompt_ids, prefix_ids, tokenizer) if prefix_ids else "",
        prefix_token_ids=tuple(map(int, prefix_ids)),
        token_ids=tuple(token_ids),
        logprobs=tuple(logprobs),
        texts=(first, second, *map(text, token_ids[2:])),
    )


def _reads_alike(tie: Tie, tokenizer: Tokenizer) -> bool:
    """Whether the prefix as text is the very tokens of the reference, for whoever goes on with an assistant's message.

    Servers write the conversation by the template and take off what follows the message's text; some strip the text.
    """
    if not tie.prefix:
        return True
    if tie.prefix != tie.prefix.strip() or REPLACEMENT in tie.prefix:
        return False
    begun = rendered_text(tie.prompt, tokenizer, add_generation_prompt=True) + tie.prefix
    whole = rendered_text(tie.conversation, tokenizer, add_generation_prompt=False)
    return (
        whole.startswith(begun)
        and list(tie.prompt_token_ids) == render(tie.prompt, tokenizer)
        and encode_behind(tie.prompt_token_ids, tie.prefix, tokenizer, special=False) == list(tie.prefix_token_ids)
    )


def _balanced(
    found: Sequence[Tie], count: int, per_prompt: int, gaps: tuple[float, float], generator: np.random.Generator
) -> list[Tie]:
    """At most ``count`` of them, spread over gaps, positions and prompts, in an order that tells nothing.

    A cell is a range of gaps (each as wide, by its logarithm) and a third of the positions. The cell of which the fewest are
    taken gives the next one, as long as it has a tie of a prompt that has not given all of its own.
    """
    cells = defaultdict(list)
    edges = np.quantile([tie.position for tie in found], np.linspace(0, 1, POSITION_BINS + 1)[1:-1])
    low, high = np.log(max(gaps[0], 1e-4)), np.log(max(gaps[1], 2e-4))
    for place in generator.permutation(len(found)):
        tie = found[place]
        by_gap = int((np.log(max(tie.gap, 1e-4)) - low) / (high - low) * GAP_BINS)
        cells[min(by_gap, GAP_BINS - 1), int(np.searchsorted(edges, tie.position))].append(tie)
    taken: list[Tie] = []
    of_prompt = Counter[tuple[int, ...]]()
    of_cell = dict.fromkeys(sorted(cells), 0)
    while of_cell and len(taken) < count:
        cell = min(of_cell, key=lambda each: of_cell[each])
        tie = _next_of(cells[cell], of_prompt, per_prompt)
        if tie is None:
            del of_cell[cell]
            continue
        of_cell[cell] += 1
        of_prompt[tie.prompt_token_ids] += 1
        taken.append(tie)
    return [taken[place] for place in generator.permutation(len(taken))]


def _next_of(waiting: list[Tie], of_prompt: Counter[tuple[int, ...]], per_prompt: int) -> Tie | None:
    """The last of ``waiting`` whose prompt may give another; those behind it are thrown away. None where there is none."""
    while waiting:
        tie = waiting.pop()
        if of_prompt[tie.prompt_token_ids] < per_prompt:
            return tie
    return None
