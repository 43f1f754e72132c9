"""Scoring: the claimed tokens against the rows of the reference.

Candidates are the row's entries and, where the row lacks the claimed token but its logprob is known, that token. With
``l`` their logprobs, T the temperature and ``g`` the noise that the engine's sampler gives each (Token-DiFR, arXiv
2511.20621):

===============  =====================================  ====================================================
quantity         temperature 0                          temperature > 0, with a sampler and a seed
===============  =====================================  ====================================================
support          all candidates; filters do not act     what the engine's filters leave: each candidate is
                                                        *kept*, *dropped* or *open* (the row does not tell)
reference token  arg-max l; among equal values the      arg-max z = l + T g over the kept; likewise
                 lowest id, as in torch
``exact_match``  claimed == reference token             the same
``margin``       max l - l of the claimed token, in     best kept z - z of the claimed token, never below 0
                 nats, never below 0                    (not divided by T: margins of any T compare)
``prob``         exp(l of the claimed token), never     its weight over the support's, the unseen mass at
                 above 1                                its upper bound where the support reaches beyond
                                                        the row; 0 for a dropped token
``logit_rank``   number of candidates with a larger l;  the same
                 ``claimed_rank`` where it is known
                 and the row lacks the token
``gumbel_rank``  the same                               number of kept candidates with a larger z
``surprise``     NaN                                    see below
===============  =====================================  ====================================================

The first status that applies (:class:`~token_difr.ScoreStatus`):

==============  ====================================================================  ============================
status          when                                                                  match; margin; margin_bound
==============  ====================================================================  ============================
``UNSCORED``    empty row; every value -inf; at temperature 0 an ``UNRESOLVED``       False; NaN; NaN
                entry on top and the claimed token no candidate
``UNREPLAYED``  T > 0 without sampler or seed: ``prob``, ``logit_rank``, ``surprise``  False; NaN; NaN
                and ``percentile`` hold
``FILTERED``    T > 0, the claimed token certainly dropped: by its own value, or it   False; +inf; max(best kept z
                is no candidate and the support does not reach beyond the row         - its z, least kept l - its
                                                                                      l), with the greatest l that
                                                                                      it can have
``CENSORED``    it certainly lost, but how far is only bounded: no candidate (T > 0:  False; +inf where it is no
                and best kept z above all that it can reach); or beaten by a kept     candidate, else the bound;
                candidate while some candidate, itself included, is open              the bound
``UNDECIDED``   what the row does not show settles whether it won or lost             False; NaN; NaN
``SCORED``      all else                                                              as above; bound = margin
==============  ====================================================================  ============================

The greatest logprob of a token that is no candidate, the *cap*: ``min(min l of the row, ln(max(0, 1 - sum exp l) + 1e-5))``,
without ``min l`` where rows are not contiguous; or that of the row's ``UNRESOLVED`` entries, one of which it may be. Its
``prob`` is 0 and its rank the number of entries above -inf. Unscored tokens have NaN in every column but
``exact_match`` and ``status``; so have undecided ones at temperature 0, and no ``gumbel_rank`` at others.

At T > 0 **a decided mismatch is a mismatch of the answer that the whole distribution gives, and a match is that answer
among the candidates** (for SGLang with a filter on, where noise belongs to ranks: among the ranks of the row). An unseen
token may have won all the same; ``tail="replay"`` tells where one could have. ``UNRESOLVED`` entries weigh but do not
compete, for their noise is unknown.

``surprise`` = min(30, -ln p - entropy of the support), under temperature and filters (vLLM's order without a sampler),
the unseen mass as one lump; p is the claimed token's share, the lump's for one outside the row, and exp(-30) for a
dropped one. Its mean is 0 for an honest sampler at T = 1 and near it elsewhere: compare it with a baseline's.

``percentile`` = F + v p: with the row's entries in descending order and the unseen lump last, F the probability of those
before the claimed token, p its own (the lump's for one outside the row), and v a fixed random stream's uniform for that
sequence and token. 1 for a dropped token. An honest sampler's are uniform on [0, 1] at every temperature and under every
filter, for they are taken among the entries that are certainly kept and, if its weight is known to 1e-4 of the whole, the
lump; a token that is none of these has NaN. Without v there would be one value an entry, and none to compare it with.
"""

from __future__ import annotations

from typing import get_args

from token_difr import _core
from token_difr.errors import InputError
from token_difr.records import SamplingParams, Scores, TopKBatch
from token_difr.sampler import Sampler
from token_difr.scores.columns import scores_of
from token_difr.scores.replay import Tail, score_sampled

__all__ = ["GREEDY", "Tail", "score"]

GREEDY = SamplingParams()
"""Temperature 0."""


def score(
    batch: TopKBatch,
    params: SamplingParams = GREEDY,
    *,
    sampler: Sampler | None = None,
    vocab_size: int | None = None,
    tail: Tail = "ignore",
) -> Scores:
    """Score every claimed token of a batch.

    Args:
        batch: The reference's rows and the claimed tokens.
        params: How the provider was told to sample. Below temperature 1e-5, or with ``top_k=1``, sampling is greedy
            and the filters do not act; nothing that follows does either.
        sampler: How the provider's engine draws its noise. Without it, or without ``params.seed``, tokens that were
            sampled have likelihood scores only.
        vocab_size: Width of the model's logits; needed, and used, only where the sampler's noise depends on it or the
            tail is replayed.
        tail: ``replay`` draws the noise of every id, at the cost of the whole vocabulary a token, and tells in
            ``rival_possible`` where a token that the row does not show could have won; no status depends on it.

    Returns:
        One value a position in each column; the module's tables say what they mean.

    Raises:
        InputError: Parameters that cannot be scored: an unknown ``tail``, not one seed a sequence, an id at or above
            ``vocab_size``, missing ``prompt_lengths`` or ``vocab_size`` (``SamplerError``), a way to sample that
            cannot be replayed (``UnreplayableError``).
    """
    if tail not in get_args(Tail):
        raise InputError(f"tail must be one of {', '.join(get_args(Tail))}, not {tail!r}")
    if not params.greedy:
        return score_sampled(batch, params, sampler=sampler, vocab_size=vocab_size, tail=tail)
    return scores_of(_core.score_greedy(batch), batch)
