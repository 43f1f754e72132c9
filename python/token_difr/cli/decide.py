"""``token-difr decide``: the scores of a run directory -> verdict."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from token_difr.cli import options
from token_difr.cli.given import GivenOptions, GivenReferenceOptions, RunOrFile, run_of
from token_difr.cli.grouped import grouped
from token_difr.cli.groups import RuleOptions
from token_difr.cli.manner import PaceOptions, ShownOptions
from token_difr.errors import InputError, RunDirectoryError

if TYPE_CHECKING:
    from token_difr.run import RunDirectory

__all__ = ["command"]


@grouped
def command(
    run: RunOrFile,
    *,
    baseline: options.Baseline = None,
    judging: RuleOptions,
    given: GivenOptions,
    reference: GivenReferenceOptions,
    pace: PaceOptions,
    seed: Annotated[
        int | None, typer.Option("--seed", min=0, help="Short for --permutation-seed.", show_default=False)
    ] = None,
    shown: ShownOptions,
) -> None:
    """Judge RUN against a baseline's run. Offline; replaces an older report. The exit code is the verdict.

    A file of answers is refused where nothing could be judged with it; else --out makes a run of it, whose rows --reference gives.
    """
    from token_difr.cli.show import local_tokenizer, show_report
    from token_difr.run import RunDirectory
    from token_difr.run.baseline import baseline_of
    from token_difr.run.deciding import decide_run
    from token_difr.run.stages import score_run

    rule = judging.rule(seed=seed)
    run = run_of(run, given, reference, pace)
    with RunDirectory.resume(run) as directory:
        _check_all_asked(directory)
        against = baseline_of(baseline, directory.audit, out=run)
        tokenizer = local_tokenizer(directory.audit)
        report = decide_run(directory, score_run(directory), against, rule=rule, tokenizer=tokenizer)
    raise show_report(report, shown, run)


def _check_all_asked(run: RunDirectory) -> None:
    """Refuse a run that ended when it had shown enough: a test of all at once cannot allow for that.

    Raises:
        InputError: It is one.
    """
    kept = None
    with suppress(RunDirectoryError):  # edited or damaged: nothing is known of it
        kept = run.report()
    if kept is None:
        return
    of_ties = kept.decision.ties is not None and kept.decision.ties.sequential is not None
    if of_ties or kept.decision.sequential is not None:
        things, command = ("ties", "ties audit") if of_ties else ("answers", "audit")
        raise InputError(
            f"{run.path} was asked until a verdict, so that its {things} are as many as they showed enough: token-difr {command} "
            "--until verdict judges it, with the same options as before, and token-difr report shows what it came to"
        )
