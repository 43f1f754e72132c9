"""``token-difr decide``: the scores of a run directory -> verdict."""

from __future__ import annotations

from typing import Annotated

import typer

from token_difr.cli import options
from token_difr.cli.grouped import grouped
from token_difr.cli.groups import RuleOptions
from token_difr.cli.manner import ShownOptions

__all__ = ["command"]


@grouped
def command(
    run: options.Run,
    *,
    baseline: options.Baseline = None,
    judging: RuleOptions,
    seed: Annotated[
        int | None, typer.Option("--seed", min=0, help="Short for --permutation-seed.", show_default=False)
    ] = None,
    shown: ShownOptions,
) -> None:
    """Judge RUN against a baseline's run. Offline; replaces an older report. The exit code is the verdict."""
    from token_difr.cli.show import local_tokenizer, show_report
    from token_difr.run import RunDirectory
    from token_difr.run.baseline import baseline_of
    from token_difr.run.deciding import decide_run
    from token_difr.run.stages import score_run

    rule = judging.rule(seed=seed)
    with RunDirectory.resume(run) as directory:
        against = baseline_of(baseline, directory.audit, out=run)
        tokenizer = local_tokenizer(directory.audit)
        report = decide_run(directory, score_run(directory), against, rule=rule, tokenizer=tokenizer)
    raise show_report(report, shown)
