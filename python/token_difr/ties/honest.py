"""What honest runs gave at the same ties: what honest providers are learnt from, and a file of it for other audits."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from token_difr.errors import InputError
from token_difr.records import HonestCurve, HonestRun
from token_difr.run.directory import RunDirectory
from token_difr.ties.flips import NOT_ASKED, flips_of
from token_difr.ties.precision import same_precision
from token_difr.ties.record_file import load_record, save_record
from token_difr.ties.tie import TieSet
from token_difr.untrusted import printable
from token_difr.verdict.honest_providers import HonestProviders, honest_providers

__all__ = ["HonestFlips", "curve_of", "learnt_from", "read_honest"]

FORMAT = "honest flips 1"


@dataclass(frozen=True, kw_only=True, slots=True)
class HonestFlips:
    """Runs of trusted providers on the ties of one file.

    Attributes:
        model: The model that the reference was asked for.
        tokenizer_digest: That of the ties.
        precision: Of the ties; None where it is not stated.
        gaps: Of every tie, in nats.
        runs: The runs, with all ties that each was asked.
        flips: Of every run and tie: 1 where it gave another token than the reference, 0 where the same, -1 where it was not asked.

    Raises:
        InputError: Not one row of flips a run with one flip a tie, or values that are none.
    """

    model: str
    tokenizer_digest: str | None
    precision: str | None
    gaps: tuple[float, ...]
    runs: tuple[HonestRun, ...]
    flips: tuple[tuple[int, ...], ...]

    def __post_init__(self) -> None:
        if len(self.flips) != len(self.runs) or any(len(each) != len(self.gaps) for each in self.flips):
            raise InputError("flips takes one row a run, with one value a tie")
        if not all(0 <= gap < float("inf") for gap in self.gaps):
            raise InputError("gaps must be finite and at least 0")
        if not {flip for each in self.flips for flip in each} <= {NOT_ASKED, 0, 1}:
            raise InputError(f"flips are 1, 0 or {NOT_ASKED}")

    def only(self, chosen: Iterable[int]) -> HonestFlips:
        """The runs at these places alone."""
        places = tuple(chosen)
        return replace(
            self,
            runs=tuple(self.runs[place] for place in places),
            flips=tuple(self.flips[place] for place in places),
        )

    def without(self, started: str | None, provider: str | None) -> HonestFlips:
        """But for the runs that were begun at that time with that provider, wherever their directories are now.

        A run is known by both: directories move, and a run that is bet against must not be learnt from under another path.
        """
        same = {place for place, run in enumerate(self.runs) if (run.started, run.provider) == (started, provider)}
        return self.only(place for place in range(len(self.runs)) if place not in same)

    def check_fits(self, ties: TieSet) -> None:
        """Whether what was learnt here can hold at other ties. Which model it was, a name tells only beside its service.

        Raises:
            InputError: They are of another tokenizer or another precision, so that gaps mean another thing.
        """
        if (
            None not in {self.tokenizer_digest, ties.tokenizer_digest}
            and self.tokenizer_digest != ties.tokenizer_digest
        ):
            raise InputError(
                f"the honest runs' curve is of {printable(self.model)}, whose tokenizer is not that of these ties"
            )
        if self.precision and ties.precision and not same_precision(self.precision, ties.precision):
            raise InputError(
                f"the honest runs' curve is of ties picked in {self.precision}, these were picked in {ties.precision}: "
                "their gaps mean another thing"
            )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the file, whole or not at all.

        Raises:
            RunDirectoryError: It cannot be written.
        """
        save_record(self, path, FORMAT)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read a file of :meth:`save`.

        Raises:
            InputError: There is none, it is damaged or edited, or was written in another format.
        """
        return load_record(cls, path, FORMAT, holds="honest runs' curve", verb="token-difr ties curve")


def read_honest(paths: Sequence[str | os.PathLike[str]], ties: TieSet) -> HonestFlips:
    """What the runs in these directories gave at ``ties``.

    Raises:
        InputError: One of them answered none of the ties, or is given twice.
        RunDirectoryError: One that is no run directory.
    """
    if len({os.path.realpath(path) for path in paths}) < len(paths):
        raise InputError("an honest run counts once: the same directory is given twice")
    runs, flips = list[HonestRun](), list[tuple[int, ...]]()
    for path in paths:
        with RunDirectory.read(path) as run:
            fell = flips_of(run, ties)
            asked = int((fell >= 0).sum())
            if not asked:
                raise InputError(f"the run {path} has no answer to any of these ties")
            provider = None if run.audit.asked is None else run.audit.asked.provider
            kept = os.path.realpath(run.path)
            runs.append(
                HonestRun(path=kept, provider=provider, started=run.started, asked=asked, fell=int((fell > 0).sum()))
            )
            flips.append(tuple(fell.tolist()))
    return HonestFlips(
        model=ties.model,
        tokenizer_digest=ties.tokenizer_digest,
        precision=ties.precision,
        gaps=tuple(tie.gap for tie in ties.ties),
        runs=tuple(runs),
        flips=tuple(flips),
    )


def learnt_from(groups: Iterable[HonestFlips]) -> HonestProviders:
    """What all these runs say of honest providers."""
    return honest_providers(
        [(np.array(group.gaps), [np.array(flips, np.int8) for flips in group.flips]) for group in groups]
    )


def curve_of(groups: Sequence[HonestFlips]) -> HonestCurve | None:
    """What all these runs say as a record, with whose they were; None where there is none."""
    curve, scatter = learnt_from(groups)
    if curve is None:
        return None
    runs = tuple(run for group in groups for run in group.runs)
    return HonestCurve(
        gaps=tuple(curve.gaps.tolist()), probabilities=tuple(curve.probabilities.tolist()), scatter=scatter, runs=runs
    )
