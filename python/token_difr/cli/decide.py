"""``token-difr decide``: the scores of a run directory -> verdict."""

from __future__ import annotations

from typing import Annotated

import typer

from token_difr.cli import options

__all__ = ["command"]


def command(
    run: options.Run,
    baseline: options.Baseline = None,
    level: Annotated[float, typer.Option("--level", help='False-alarm rate of "divergent".')] = 0.01,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the permutations and of the bootstrap.")] = 0,
    as_json: options.Json = False,
) -> None:
    """Judge RUN against a baseline's run. Offline; replaces an older verdict. The exit code is the verdict."""
    from token_difr.audit import baseline_scores, decide_run
    from token_difr.cli.show import show_run
    from token_difr.run_directory import RunDirectory

    with RunDirectory.resume(run) as directory:
        decision = decide_run(directory, baseline_scores(baseline, directory.identity), level=level, seed=seed)
        raise show_run(directory, decision, as_json=as_json)
