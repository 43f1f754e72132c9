"""Which ties fell the other way, and to which token."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from token_difr.run.directory import RunDirectory
from token_difr.run.pairing import prompt_digests
from token_difr.ties.tie import TieSet

__all__ = ["NOT_ASKED", "FlipsByTie", "flips_by_tie", "flips_of"]

NOT_ASKED = -1


@dataclass(frozen=True, slots=True)
class FlipsByTie:
    """What a run answered, found by the conversation that a tie asks with.

    Attributes:
        given: 0 for the reference's token, 1 for its second one, 2 for any other or none.
    """

    given: Mapping[str, int]

    def outcomes(self, ties: TieSet) -> npt.NDArray[np.int8]:
        """int8[ties]: what was given, -1 where the run was not asked."""
        digests = prompt_digests([tie.conversation for tie in ties.ties])
        return np.array([self.given.get(digest, NOT_ASKED) for digest in digests], np.int8)

    def of(self, ties: TieSet) -> npt.NDArray[np.int8]:
        """int8[ties]: 1 where the run gave another token than the reference, 0 where the same, -1 where it was not asked."""
        return np.minimum(self.outcomes(ties), 1)


def flips_by_tie(run: RunDirectory, ties: TieSet) -> FlipsByTie:
    """What ``run`` answered to ``ties``.

    No token at all is another one: an answer that ends is an end token that the provider does not show.
    """
    digests = prompt_digests([tie.conversation for tie in ties.ties])
    tokens = {digest: tie.token_ids[:2] for digest, tie in zip(digests, ties.ties, strict=True)}
    sequences = run.sequences()
    given = {}
    for index, digest in enumerate(run.prompt_digests):
        if index in sequences and digest in tokens:
            token = next(iter(sequences[index].output_token_ids), None)
            given[digest] = tokens[digest].index(token) if token in tokens[digest] else 2
    return FlipsByTie(given)


def flips_of(run: RunDirectory, ties: TieSet) -> npt.NDArray[np.int8]:
    """int8[ties]: see :meth:`FlipsByTie.of`."""
    return flips_by_tie(run, ties).of(ties)
