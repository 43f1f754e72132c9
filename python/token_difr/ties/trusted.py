"""The honest runs that an audit of ties is held against, and further ones that it learns from."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from token_difr.errors import InputError
from token_difr.records import Audit, HonestCurve
from token_difr.run.baseline import Baseline, baseline_of
from token_difr.run.directory import RunDirectory
from token_difr.run.manifest import is_run_directory, read_manifest
from token_difr.run.pairing import prompt_digests
from token_difr.ties.flips import NOT_ASKED, flips_by_tie
from token_difr.ties.honest import HonestFlips, curve_of, learnt_from, read_honest
from token_difr.ties.stopping import Answered
from token_difr.ties.tie import TieSet
from token_difr.verdict.honest_providers import HonestProviders

__all__ = ["Trusted", "trusted"]


@dataclass(frozen=True, slots=True)
class Trusted:
    """Honest runs on the same ties, and what honest providers are known to do.

    Attributes:
        baseline: The first of them, as any audit has it; None where there is none.
        honest: What the runs gave at all ties of the file.
        places: The place of each tie there, by the digest of its conversation.
        learnt: Of each run, what the others and the further ones say.
        curve: What all of them say together; None where there is none.
    """

    baseline: Baseline | None
    honest: HonestFlips
    places: Mapping[str, int]
    learnt: tuple[HonestProviders, ...]
    curve: HonestCurve | None

    def answered_of(self, ties: TieSet) -> TieSet:
        """Those of ``ties`` that the baseline answered: no other makes a pair.

        Raises:
            InputError: There is no baseline.
        """
        if not self.honest.runs:
            raise InputError(
                "ties are asked until a verdict beside a baseline alone: give the run of a trusted provider"
            )
        known = np.array(self.honest.flips[0])[self._places_of(ties)]
        kept = tuple(tie for tie, fell in zip(ties.ties, known, strict=True) if fell != NOT_ASKED)
        return replace(ties, ties=kept)

    def beside(self, run: RunDirectory | None, ties: TieSet) -> Answered:
        """What ``run`` gave at ``ties``, some of the file's in whatever order, beside the honest runs; None = it was asked nothing."""
        asked = replace(ties, ties=()) if run is None else ties
        gaps, places = np.array([tie.gap for tie in asked.ties]), np.array(self._places_of(asked), np.int64)
        honest = [np.array(flips, np.int8)[places] for flips in self.honest.flips]
        outcomes = np.empty(0, np.int8) if run is None else flips_by_tie(run, asked).outcomes(asked)
        return Answered(gaps, outcomes, honest, self.learnt)

    def _places_of(self, ties: TieSet) -> list[int]:
        return [self.places[digest] for digest in prompt_digests([tie.conversation for tie in ties.ties])]


def trusted(
    baseline: str | os.PathLike[str] | None,
    further: Sequence[str | os.PathLike[str]],
    audit: Audit,
    ties: TieSet,
    *,
    out: str | os.PathLike[str],
    learnt: HonestFlips | None = None,
) -> Trusted:
    """Read the honest runs.

    Args:
        baseline: The run directory that makes the pairs; None = none.
        further: Those of other honest runs, which a baseline stands before.
        audit: The audit's record: they must have been asked the same ties by the same way.
        ties: All ties of the file.
        out: The audit's own run directory.
        learnt: What other honest runs gave, be it at other ties: nothing is held against them.

    Raises:
        InputError: A run that cannot be compared with the audit, the same run twice, further ones without a baseline, or
            ``learnt`` of another tokenizer or precision.
    """
    if baseline is None and further:
        raise InputError("further honest runs stand beside a baseline: give one")
    if learnt is not None:
        learnt.check_fits(ties)
    paths = [] if baseline is None else [baseline, *further]
    read = [baseline_of(path, audit, out=out) for path in paths]
    honest = read_honest(paths, ties)
    others = [] if learnt is None else [_without(learnt, honest, out)]
    known = tuple(
        learnt_from([honest.only(place for place in range(len(paths)) if place != own), *others])
        for own in range(len(paths))
    )
    places = {digest: place for place, digest in enumerate(prompt_digests([tie.conversation for tie in ties.ties]))}
    return Trusted(read[0] if read else None, honest, places, known, curve_of([honest, *others]))


def _without(learnt: HonestFlips, honest: HonestFlips, out: str | os.PathLike[str]) -> HonestFlips:
    """But for the runs that are bet against, and for the audit's own."""
    for run in honest.runs:
        learnt = learnt.without(run.started, run.provider)
    if not is_run_directory(Path(out)):
        return learnt
    own = read_manifest(Path(out))
    return learnt.without(own.started, None if own.audit.asked is None else own.audit.asked.provider)
