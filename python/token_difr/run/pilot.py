"""Runs as a source of plans: the noise of an honest one, and what an impostor adds to it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np

from token_difr.errors import InputError
from token_difr.planning import measured, noise_of
from token_difr.run.baseline import baseline_of
from token_difr.run.deciding import sampling_of
from token_difr.run.directory import RunDirectory
from token_difr.run.pairing import pairs_by_prompt, prompt_digests
from token_difr.run.stages import score_run
from token_difr.verdict import RowFacts, row_facts
from token_difr.verdict.deviation_table import Deviation, Noise, Sampling

__all__ = ["Pilot", "deviation_of_runs", "pilot_of"]


class Pilot(NamedTuple):
    """An honest run.

    Attributes:
        noise: What it has.
        sampling: How its answers were asked for.
        model: The model, by the provider's name.
    """

    noise: Noise
    sampling: Sampling
    model: str


def pilot_of(path: str | os.PathLike[str]) -> Pilot:
    """The pilot that a finished run of an honest provider is.

    Raises:
        RunDirectoryError: No run directory, or one that is not finished.
        InputError: Its noise is not replayed, so that no mismatch can be counted, or no token of it is decided.
    """
    with RunDirectory.read(path) as run:
        sampling = _sampling(run)
        noise = noise_of(score_run(run).scores, prompt_tokens=_prompt_tokens(row_facts(run.batch())))
        _check_decided(noise, run.path)
        return Pilot(noise, sampling, _model(run))


def deviation_of_runs(
    impostor: str | os.PathLike[str], honest: str | os.PathLike[str], name: str | None = None
) -> tuple[Pilot, Deviation]:
    """What the run of an impostor has beyond that of an honest provider, and the honest one as a pilot.

    Args:
        impostor: A finished run.
        honest: Another, asked and judged as the impostor's; best with the same prompts.
        name: What to call the deviation; None = the model that the impostor was asked for, and where.

    Raises:
        RunDirectoryError: No run directory, or one that is not finished.
        InputError: The two cannot be compared, are the same, have too few answers, or their noise is not replayed.
    """
    with RunDirectory.read(impostor) as run:
        sampling = _sampling(run)
        against = baseline_of(honest, run.audit, out=impostor)
        if against is None or against.prompts is None or against.rows is None:
            raise InputError(f"{honest} is no run of an honest provider")
        noise = noise_of(against.scores, prompt_tokens=_prompt_tokens(against.rows))
        _check_decided(noise, Path(honest))
        pairs = pairs_by_prompt(prompt_digests(run.prompts), against.prompts)
        called = name or (f"{_model(run)} at {run.audit.asked.provider}" if run.audit.asked else _model(run))
        deviation = measured(called, sampling, score_run(run).scores, against.scores, pairs)
        return Pilot(noise, sampling, against.origin.model or _model(run)), deviation


def _sampling(run: RunDirectory) -> Sampling:
    sampling = sampling_of(run.audit)
    if sampling is None:
        raise InputError(
            f"{run.path} was sampled and its noise is not replayed, so that nothing tells a mismatch from chance: plans are "
            "made from runs at temperature 0, or with seeds and a sampler"
        )
    if run.audit.judged is not None and run.audit.judged.of_ties:
        raise InputError(f"{run.path} is of near ties: plans are made from runs of whole answers")
    return sampling


def _check_decided(noise: Noise, path: Path) -> None:
    if not noise.answer_tokens:
        raise InputError(f"{path} has no answer with a token that could be decided: nothing can be planned from it")


def _prompt_tokens(rows: RowFacts) -> float:
    known = rows.prompt_tokens[np.isfinite(rows.prompt_tokens)]
    return float(known.mean()) if known.size else float("nan")


def _model(run: RunDirectory) -> str:
    return "a model that is not named" if run.audit.asked is None else run.audit.asked.model
