"""Outputs whose tokens a script made from text, cut as the model may have cut them.

Scripts of the older revision of token-difr 0.1 generate text and encode it again. A model now and then writes a word in other
pieces than its tokenizer does, and then every token behind that looks like a mismatch, which no provider can help. What the
audit does about it (:mod:`token_difr.segmentation`) is done here too: the same text, another cut, if the reference finds it
likelier by half a nat; a few requests more.

A script expects one entry a token that it gave. Tokens that both cuts share have their own; where they differ, as many entries
of the new cut as there are old tokens stand for them, in order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from difflib import SequenceMatcher

import numpy as np

from token_difr.compat.row_metrics import row_metrics
from token_difr.records import Fidelity, TokenMetrics, TokenSequence, TopKBatch
from token_difr.reference import Reference
from token_difr.scores import score
from token_difr.segmentation import (
    LARGEST_LOSS,
    Question,
    Repaired,
    Speller,
    by_choice,
    default_requests,
    repair,
)
from token_difr.segmentation.judge import Floats
from token_difr.sequences import Tokenizer

__all__ = ["recut_metrics"]


async def recut_metrics(
    outputs: Sequence[TokenSequence],
    rows: Mapping[int, TopKBatch],
    reference: Reference,
    tokenizer: Tokenizer,
    *,
    concurrency: int,
) -> dict[int, list[TokenMetrics]]:
    """Metrics at temperature 0 of the outputs that are cut otherwise than they were given, by index.

    Args:
        outputs: Prompts and outputs as token ids. Only those that are the tokenizer's own cut of their text are touched:
            others are the model's own ids.
        rows: Their rows, a batch each.
        reference: Whom to ask for the rows of other cuts, a tenth of the outputs, but up to 20 of a few.
        tokenizer: The model's tokenizer.
        concurrency: Requests in flight.

    Raises:
        EndpointError: The reference failed.
    """
    speller = Speller(tokenizer)
    from_text = {
        index: replace(output, fidelity=Fidelity.UNCOUNTED)
        for index, output in enumerate(outputs)
        if not all(token.exact_match for token in row_metrics(rows[index])[0])
        if speller.encoded(speller.spelled([], list(output.output_token_ids))) == list(output.output_token_ids)
    }

    async def ask(questions: Sequence[Question]) -> list[TopKBatch]:
        answered: dict[int, TopKBatch] = {}
        asked = [question.sequence for question in questions]
        await reference.topk(asked, concurrency=concurrency, keep=answered.__setitem__, progress=False)
        return [answered[place] for place in range(len(questions))]

    done = await repair(
        from_text,
        rows,
        judge=by_choice(_losses),
        speller=speller,
        lengths={},
        remembered={},
        ask=ask,
        requests=default_requests(len(outputs), greedy=True),
    )
    return {index: _as_given(outputs[index], repaired) for index, repaired in done.items()}


def _losses(_index: int, rows: TopKBatch) -> Floats:
    """Nats that each token lost by; an undecided one may have won."""
    margins = score(rows).margin_bound.astype(np.float64)
    return np.clip(np.nan_to_num(margins, nan=0.0, posinf=LARGEST_LOSS), 0.0, LARGEST_LOSS)


def _as_given(output: TokenSequence, repaired: Repaired) -> list[TokenMetrics]:
    old, new = list(output.output_token_ids), list(repaired.sequence.output_token_ids)
    (metrics,) = row_metrics(repaired.rows)
    changes = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    return [
        metrics[min(first + place * (last - first) // (end - start), len(metrics) - 1)]
        for _, start, end, first, last in changes
        for place in range(end - start)
    ]
