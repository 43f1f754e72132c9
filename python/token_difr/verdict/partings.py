"""Where the provider's outputs part from the reference: the positions with the largest margins."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from token_difr.records import Parting, Scores, ScoreStatus, TokenSequence, TopKBatch
from token_difr.untrusted import printable

__all__ = ["worst_partings"]

CONTEXT_TOKENS = 8


def worst_partings(
    batch: TopKBatch,
    scores: Scores,
    sequences: Sequence[TokenSequence],
    decode: Callable[[list[int]], str],
    *,
    most: int = 8,
) -> list[Parting]:
    """The ``most`` mismatches with the largest ``margin_bound``, at most one a sequence, largest first.

    Args:
        batch: The reference's rows.
        scores: Their scores.
        sequences: The sequences that were scored, in the batch's order.
        decode: Text of token ids, as the model's tokenizer gives it.
        most: How many to return at most.
    """

    def parting(position: int, owner: int) -> Parting:
        offset = position - int(scores.sequence_indptr[owner])
        output = [int(token) for token in sequences[owner].output_token_ids]
        likeliest = int(batch.token_ids[batch.indptr[position]])
        return Parting(
            sequence=owner,
            position=offset,
            context=printable(decode(output[max(0, offset - CONTEXT_TOKENS) : offset]), longest=40),
            claimed=printable(decode([output[offset]]), longest=20),
            expected=printable(decode([likeliest]), longest=20),
            margin_bound=float(scores.margin_bound[position]),
            status=ScoreStatus(int(scores.status[position])).word,
        )

    return [parting(position, owner) for position, owner in _worst(scores, most)]


def _worst(scores: Scores, most: int) -> list[tuple[int, int]]:
    """Position and sequence of the largest margins, at most one a sequence, largest first."""
    mismatches = np.flatnonzero(~scores.exact_match & np.isfinite(scores.margin_bound))
    order = mismatches[np.argsort(-scores.margin_bound[mismatches], kind="stable")]
    owners = np.searchsorted(scores.sequence_indptr, order, side="right") - 1
    _, first = np.unique(owners, return_index=True)
    chosen = np.sort(first)[:most]
    return list(zip(order[chosen].tolist(), owners[chosen].tolist(), strict=True))
