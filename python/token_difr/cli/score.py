"""``token-difr score``: the rows of a run directory -> scores."""

from __future__ import annotations

import typer

from token_difr.cli import options
from token_difr.cli.given import GivenOptions, GivenReferenceOptions, RunOrFile, run_of
from token_difr.cli.grouped import grouped
from token_difr.cli.groups import ScoredOptions
from token_difr.cli.manner import PaceOptions

__all__ = ["command"]


@grouped
def command(
    run: RunOrFile,
    *,
    scored: ScoredOptions,
    given: GivenOptions,
    reference: GivenReferenceOptions,
    pace: PaceOptions,
    as_json: options.Json = False,
) -> None:
    """Score the reference's rows in RUN, and summarize the scores. Offline; replaces older scores.

    RUN remembers the sampler: later commands replay it too. A report on older scores is shown no more. A file of answers is
    refused where nothing could be judged with it; else --out makes a run of it, whose rows --reference gives.
    """
    import json

    from token_difr.cli.show import show
    from token_difr.records import Audit
    from token_difr.report import summary_table, summary_to_json
    from token_difr.run import RunDirectory
    from token_difr.run.stages import score_run
    from token_difr.verdict import summarize

    run = run_of(run, given, reference, pace)
    with RunDirectory.resume(run, Audit(scored=scored.scored())) as directory:
        summary = summarize(score_run(directory).scores)
    if as_json:
        typer.echo(json.dumps(summary_to_json(summary), indent=2, allow_nan=False))
    else:
        show([summary_table(summary)])
