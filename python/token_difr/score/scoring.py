"""Scoring: the claimed tokens against the rows of the reference.

At temperature 0 the reference token is the arg-max. Candidates are the row's entries and, where the row lacks the
claimed token but its logprob is known, that token. With ``l`` their logprobs (Token-DiFR, arXiv 2511.20621):

===============  ==========================================================================================
quantity         temperature 0
===============  ==========================================================================================
reference token  arg-max l; among equal values the lowest id, as in torch
``exact_match``  claimed == reference token
``margin``       max l - l of the claimed token, in nats, never below 0
``prob``         exp(l of the claimed token), never above 1
``logit_rank``   number of candidates with a larger l; ``claimed_rank`` where it is known and the row lacks the token
``gumbel_rank``  the same
``surprise``     NaN: it describes sampling at a temperature above 0
===============  ==========================================================================================

The first status that applies (:class:`~token_difr.ScoreStatus`):

=============  =====================================================================  ============================
status         when                                                                   match; margin; margin_bound
=============  =====================================================================  ============================
``UNSCORED``   empty row; every value -inf; or an ``UNRESOLVED`` entry on top and     False; NaN; NaN
               the claimed token no candidate
``UNDECIDED``  ``contiguous=False``, the claimed token no candidate, and what the     False; NaN; NaN
               row does not show may hold a larger logprob than the row does
``CENSORED``   the claimed token is no candidate                                      False; +inf; max l - the
                                                                                      greatest logprob it can have
``SCORED``     all else                                                               as above; bound = margin
=============  =====================================================================  ============================

The greatest logprob of a token that is no candidate: ``min(min l of the row, ln(max(0, 1 - sum exp l) + 1e-5))``,
without ``min l`` where rows are not contiguous; or that of the row's ``UNRESOLVED`` entries, one of which it may be. Its
``prob`` is 0 and its rank the length of the row, as in token-difr 0.1. Unscored and undecided tokens have NaN in
every column but ``exact_match`` and ``status``, so that averages over finite values leave them out.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from token_difr import _core
from token_difr.errors import InputError
from token_difr.records import TopKBatch
from token_difr.sampling import SamplingParams
from token_difr.score.scores import Scores

__all__ = ["GREEDY", "Tail", "score"]

GREEDY = SamplingParams()
"""Temperature 0."""

Tail = Literal["ignore", "replay"]
"""What becomes of the noise of tokens that a row does not show."""


def score(
    batch: TopKBatch,
    params: SamplingParams = GREEDY,
    *,
    sampler: None = None,  # noqa: ARG001  # greedy decoding draws no noise: there is nothing to replay,
    vocab_size: int | None = None,  # noqa: ARG001  # and no stream that has a width
    tail: Tail = "ignore",
) -> Scores:
    """Score every claimed token of a batch.

    Args:
        batch: The reference's rows and the claimed tokens.
        params: How the provider was told to sample. Below temperature 1e-5, or with ``top_k=1``, sampling is greedy
            and the filters do not act. Higher temperatures are not scored yet.
        sampler: How the provider's engine draws its noise; acts above temperature 0 only.
        vocab_size: Width of the model's logits, where a random stream needs it; acts above temperature 0 only.
        tail: Whether to draw the noise of tokens that the rows do not show; acts above temperature 0 only.

    Returns:
        One value a position in each column; the module's tables say what they mean.

    Raises:
        InputError: Parameters that cannot be scored.
    """
    if tail not in get_args(Tail):
        raise InputError(f"tail must be one of {', '.join(get_args(Tail))}, not {tail!r}")
    if not params.greedy:
        raise InputError(
            f"tokens sampled at temperature {params.temperature} cannot be scored yet: "
            "only greedy sampling can (temperature below 1e-5, or top_k=1)"
        )
    exact_match, prob, margin, margin_bound, rank, status = _core.score_greedy(batch)
    return Scores(
        exact_match=exact_match,
        prob=prob,
        margin=margin,
        margin_bound=margin_bound,
        logit_rank=rank,
        gumbel_rank=rank,
        surprise=np.broadcast_to(np.float32(np.nan), rank.shape),
        status=status,
        sequence_indptr=batch.sequence_indptr,
        improper_rows=batch.improper_rows,
    )
