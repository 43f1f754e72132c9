"""``token-difr score``: the rows of a run directory -> scores."""

from __future__ import annotations

import typer

from token_difr.cli import options

__all__ = ["command"]


def command(
    run: options.Run,
    sampler: options.Sampler = None,
    vocab_size: options.VocabSize = None,
    as_json: options.Json = False,
) -> None:
    """Score the reference's rows in RUN, and summarize the scores. Offline; replaces older scores.

    RUN remembers the sampler: later commands replay it too.
    """
    import json

    from token_difr.cli.show import show
    from token_difr.records import AuditIdentity
    from token_difr.report import summary_table, summary_to_json
    from token_difr.run import RunDirectory
    from token_difr.run.stages import score_run
    from token_difr.sampler import Sampler
    from token_difr.verdict import summarize

    name = None if sampler is None else Sampler.parse(sampler).name
    with RunDirectory.resume(run, AuditIdentity(sampler=name, vocab_size=vocab_size)) as directory:
        summary = summarize(score_run(directory))
    if as_json:
        typer.echo(json.dumps(summary_to_json(summary), indent=2, allow_nan=False))
    else:
        show([summary_table(summary)])
