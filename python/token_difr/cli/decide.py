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
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of the permutations and of the bootstrap.")] = 0,
    as_json: options.Json = False,
) -> None:
    """Judge RUN against a baseline's run. Offline; replaces an older verdict. The exit code is the verdict."""
    from token_difr.cli.show import local_tokenizer, show_run
    from token_difr.run import RunDirectory
    from token_difr.run.audit import decide_run
    from token_difr.run.baseline import baseline_scores

    with RunDirectory.resume(run) as directory:
        against = baseline_scores(baseline, directory.identity, out=run)
        tokenizer = local_tokenizer(directory)
        decision, findings = decide_run(directory, against, level=level, seed=seed, tokenizer=tokenizer)
        raise show_run(directory, decision, findings, as_json=as_json)
