"""The honest runs that an audit of ties is held against."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from token_difr.errors import InputError
from token_difr.records import Audit, HonestRun
from token_difr.run.baseline import Baseline, baseline_of
from token_difr.run.directory import RunDirectory
from token_difr.ties.flips import NOT_ASKED, FlipsByTie, flips_by_tie
from token_difr.ties.stopping import Answered
from token_difr.ties.tie import TieSet

__all__ = ["Trusted", "trusted"]


@dataclass(frozen=True, slots=True)
class Trusted:
    """Honest runs on the same ties.

    Attributes:
        baseline: The first of them, as any audit has it; None where there is none.
        runs: Path, provider and start of each, and its flips by tie.
    """

    baseline: Baseline | None
    runs: tuple[tuple[HonestRun, FlipsByTie], ...]

    def answered_of(self, ties: TieSet) -> TieSet:
        """Those of ``ties`` that the baseline answered: no other makes a pair.

        Raises:
            InputError: There is no baseline, or it answered none of them.
        """
        if not self.runs:
            raise InputError(
                "ties are asked until a verdict beside a baseline alone: give the run of a trusted provider"
            )
        known = self.runs[0][1].of(ties)
        kept = tuple(tie for tie, fell in zip(ties.ties, known, strict=True) if fell != NOT_ASKED)
        if not kept:
            raise InputError(f"the baseline {self.runs[0][0].path} has no answer to any of these ties")
        return replace(ties, ties=kept)

    def beside(self, run: RunDirectory, ties: TieSet) -> Answered:
        """The flips of ``run`` at ``ties`` beside those of the honest runs."""
        gaps = np.array([tie.gap for tie in ties.ties])
        return Answered(gaps, flips_by_tie(run, ties).outcomes(ties), [flips.of(ties) for _, flips in self.runs])


def trusted(
    baseline: str | os.PathLike[str] | None,
    further: Sequence[str | os.PathLike[str]],
    audit: Audit,
    ties: TieSet,
    *,
    out: str | os.PathLike[str],
) -> Trusted:
    """Read the honest runs.

    Args:
        baseline: The run directory that makes the pairs; None = none.
        further: Those of other honest runs, which a baseline stands before.
        audit: The audit's record: they must have been asked the same ties by the same way.
        ties: All ties of the file.
        out: The audit's own run directory.

    Raises:
        InputError: A run that cannot be compared with the audit, the same run twice, or further ones without a baseline.
    """
    if baseline is None:
        if further:
            raise InputError("further honest runs stand beside a baseline: give one")
        return Trusted(None, ())
    paths = [baseline, *further]
    if len({os.path.realpath(path) for path in paths}) < len(paths):
        raise InputError("an honest run counts once: the same directory is given twice")
    read = [baseline_of(path, audit, out=out) for path in paths]
    return Trusted(read[0], tuple(_run(path, ties) for path in paths))


def _run(path: str | os.PathLike[str], ties: TieSet) -> tuple[HonestRun, FlipsByTie]:
    with RunDirectory.read(path) as run:
        flips, asked = flips_by_tie(run, ties), run.audit.asked
        provider = None if asked is None else asked.provider
        known = HonestRun(path=str(run.path), provider=provider, started=run.started, asked=0, fell=0)
        return known, flips
