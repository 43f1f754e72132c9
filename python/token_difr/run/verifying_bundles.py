"""Whether the runs of a bundle are what their reports say."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from token_difr.errors import InputError, RunDirectoryError
from token_difr.records import Audit, BaselineRun
from token_difr.run.bundle import opened_bundle
from token_difr.run.manifest import read_manifest
from token_difr.run.report_file import read_report
from token_difr.run.verifying import Check, verify_run
from token_difr.sequences import Tokenizer

__all__ = ["verify_bundle"]


def verify_bundle(
    path: str | os.PathLike[str],
    baseline: str | os.PathLike[str] | None = None,
    tokenizer_of: Callable[[Audit], Tokenizer | None] | None = None,
) -> dict[str, list[Check]]:
    """Look at all runs of a bundle, each beside the one that it was compared with if that is there too.

    Args:
        path: The bundle.
        baseline: Where the baseline's run is; None = in the bundle, else where the report says.
        tokenizer_of: Gives the tokenizer of an audit; None = findings are not looked at.

    Returns:
        What was looked at, by what the runs are called in the bundle.

    Raises:
        InputError: It is no bundle, or is damaged.
    """
    with opened_bundle(path) as runs:
        return {name: _checked(name, runs, baseline, tokenizer_of) for name in runs}


def _checked(
    name: str,
    runs: Mapping[str, Path],
    baseline: str | os.PathLike[str] | None,
    tokenizer_of: Callable[[Audit], Tokenizer | None] | None,
) -> list[Check]:
    path = runs[name]
    try:
        manifest = read_manifest(path)
        tokenizer = None
        if tokenizer_of is not None and manifest.redacted is None:
            tokenizer = tokenizer_of(manifest.audit)
        told = _compared_with(path)
        others = [each for other, each in runs.items() if other != name]
        beside: list[Any] = [baseline]
        if baseline is None and told is not None:
            beside = _like(told, others) or [None]
        for place in beside:
            checks = verify_run(path, None if told is None else place, tokenizer)
            if all(check.held for check in checks if check.name == "baseline"):
                break
    except InputError as error:
        return [Check("run", False, str(error))]
    return checks


def _compared_with(path: Path) -> BaselineRun | None:
    try:
        report = read_report(path)
    except RunDirectoryError:  # the check of the report says so
        return None
    return None if report is None else report.provenance.baseline


def _like(told: BaselineRun, runs: Sequence[Path]) -> list[Path]:
    """The runs that may be the one that a report calls its baseline: begun at the same time with the same provider."""
    found = []
    for path in runs:
        with suppress(RunDirectoryError):  # its own check says so
            held = read_manifest(path)
            provider = None if held.audit.asked is None else held.audit.asked.provider
            found += [path] * ((provider, held.started) == (told.provider, told.started))
    return found
