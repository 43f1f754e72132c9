"""``token-difr score``: the rows of a run directory -> scores."""

from __future__ import annotations

import typer

from token_difr.cli import options
from token_difr.cli.grouped import grouped
from token_difr.cli.groups import ScoredOptions

__all__ = ["command"]


@grouped
def command(run: options.Run, *, scored: ScoredOptions, as_json: options.Json = False) -> None:
    """Score the reference's rows in RUN, and summarize the scores. Offline; replaces older scores.

    RUN remembers the sampler: later commands replay it too. A report on older scores is shown no more.
    """
    import json

    from token_difr.cli.show import show
    from token_difr.records import Audit
    from token_difr.report import summary_table, summary_to_json
    from token_difr.run import RunDirectory
    from token_difr.run.stages import score_run
    from token_difr.verdict import summarize

    with RunDirectory.resume(run, Audit(scored=scored.scored())) as directory:
        summary = summarize(score_run(directory).scores)
    if as_json:
        typer.echo(json.dumps(summary_to_json(summary), indent=2, allow_nan=False))
    else:
        show([summary_table(summary)])
