"""The scorer does not hide in ``UNDECIDED``: a slow search for two completions that disagree finds nearly as many."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from dense_cases import Case, make_case, score_case
from token_difr import Sampler, SamplingParams, ScoreStatus
from token_difr.scores.oracle import dense_contest

SIZE, SHOWN, POSITIONS = 300, 20, 150
NOWHERE = -80.0
"""Logprob of a token that counts for nothing."""


def completions(case: Case, j: int) -> Iterator[tuple[NDArray[np.float64], int, int]]:
    """Whole distributions that show the same row: (logprobs, index of the claimed token, number of candidates).

    The row comes first, then the claimed token if the row lacks it. As much unseen mass as the bounds allow, or as
    little, or what is missing from 1, lies on tokens of one level, from the highest possible to an even spread; the
    rest, where a level does not divide it, on one token below.
    """
    entries = slice(case.batch.indptr[j], case.batch.indptr[j + 1])
    row, ids = case.batch.logprobs[entries].astype(np.float64), case.batch.token_ids[entries].tolist()
    claimed, told = int(case.claimed[j]), float(case.batch.claimed_logprob[j])
    joins = claimed not in ids and not np.isnan(told)
    shown = np.append(row, told) if joins else row
    missing = max(0.0, 1 - np.exp(shown).sum())
    unseen = SIZE - shown.size
    place = ids.index(claimed) if claimed in ids else row.size
    for mass in (max(0.0, missing - 1e-5), missing, missing + 1e-5):
        cap = min(row[-1], np.log(max(mass, 1e-30)))
        for level in (cap, cap - 1e-6, cap - 0.1, cap - 0.5, cap - 1.5, np.log(max(mass, 1e-30) / unseen)):
            for own in (None,) if joins or claimed in ids else (level, cap, NOWHERE):
                left = mass - (0.0 if own is None else np.exp(own))
                if left < -1e-12:
                    continue
                count = min(int(left / np.exp(level) + 1e-9), unseen - 2)
                rest = max(left - count * np.exp(level), 1e-35)
                tail = [level] * count + [min(np.log(rest), level)]
                head = [*shown.tolist(), *([] if own is None else [own])]
                padding = [NOWHERE] * (SIZE - len(head) - len(tail))
                yield np.array([*head, *tail, *padding]), place, len(head)


def outcomes(case: Case, j: int) -> set[bool]:
    """Whether the claimed token is the best of the candidates, over all completions and orders of equal values."""
    found = set()
    entries = slice(case.batch.indptr[j], case.batch.indptr[j + 1])
    ids = [*case.batch.token_ids[entries].tolist(), int(case.claimed[j])]
    for logprobs, place, candidates in completions(case, j):
        by_rank = case.sampler.uses_rank_columns(case.params)
        noise = case.noise[j].copy()
        noise[:candidates] = noise[:candidates] if by_rank else case.noise[j, ids[:candidates]]
        for tie in (np.arange(SIZE), -np.arange(SIZE)):
            contest = dense_contest(logprobs, noise, case.params, case.sampler, np.lexsort((tie, -logprobs)))
            among = np.zeros(SIZE, np.bool_)
            among[[*(contest.order[:SHOWN] if by_rank else range(candidates)), place]] = True
            found.add(bool(contest.kept[place]) and contest.winner(among) == place)
        if len(found) == 2:
            break
    return found


@pytest.mark.parametrize("stepped", [False, True])
def test_most_of_what_is_undecided_is_open(stepped: bool) -> None:
    """Over engines, temperatures and filters, at most 1.2 times as many tokens are undecided as the search confirms."""
    rng = np.random.default_rng(1 + stepped)
    undecided, confirmed = 0, 0
    engines = map(Sampler.parse, ("torch-cuda@2.9:gpu=H100,filters=vllm", "torch-cuda@2.9:gpu=H100", "sglang@0.5.23"))
    settings = [
        (1, 0, 0.95),
        (1, 20, 0.95),
        (1, 40, 0.95),
        (0.7, 0, 0.95),
        (1.3, 0, 0.95),
        (0.7, 0, 1.0),
        (1.3, 40, 1.0),
    ]
    for sampler, (temperature, top_k, top_p), known in itertools.product(engines, settings, (0.0, 1.0)):
        params = SamplingParams(temperature=temperature, top_k=top_k, top_p=top_p, seed=int(rng.integers(2**32)))
        case = make_case(
            rng,
            sampler,
            params,
            size=SIZE,
            shown=SHOWN,
            stepped=stepped,
            known=known,
            honest=1.0,
            positions=POSITIONS,
        )
        scores = score_case(case)
        chosen = np.flatnonzero(scores.status == ScoreStatus.UNDECIDED)
        if sampler.uses_rank_columns(params):  # outside the row the rank, and with it the noise, is not known at all
            chosen = np.array(
                [j for j in chosen if case.claimed[j] in case.batch.token_ids[j * SHOWN : (j + 1) * SHOWN]]
            )
        agreed = sum(len(outcomes(case, int(j))) == 2 for j in chosen)
        undecided, confirmed = undecided + chosen.size, confirmed + agreed

    assert undecided > 100
    assert undecided <= 1.2 * confirmed
