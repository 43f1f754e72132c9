"""Which ties fell the other way."""

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
    """A run's flips, found by the conversation that a tie asks with."""

    fell: Mapping[str, bool]

    def of(self, ties: TieSet) -> npt.NDArray[np.int8]:
        """int8[ties]: 1 where the run gave another token than the reference, 0 where the same, -1 where it was not asked."""
        digests = prompt_digests([tie.conversation for tie in ties.ties])
        return np.array([self.fell.get(digest, NOT_ASKED) for digest in digests], np.int8)


def flips_by_tie(run: RunDirectory, ties: TieSet) -> FlipsByTie:
    """Which of ``ties`` fell the other way in ``run``.

    No token at all is another one: an answer that ends is an end token that the provider does not show.
    """
    likeliest = dict(
        zip(
            prompt_digests([tie.conversation for tie in ties.ties]),
            (tie.token_ids[0] for tie in ties.ties),
            strict=True,
        )
    )
    sequences = run.sequences()
    given = {
        digest: next(iter(sequences[index].output_token_ids), None)
        for index, digest in enumerate(prompt_digests(run.prompts))
        if index in sequences
    }
    return FlipsByTie({digest: token != likeliest[digest] for digest, token in given.items() if digest in likeliest})


def flips_of(run: RunDirectory, ties: TieSet) -> npt.NDArray[np.int8]:
    """int8[ties]: see :meth:`FlipsByTie.of`."""
    return flips_by_tie(run, ties).of(ties)
