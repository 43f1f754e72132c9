"""``token-difr tokenize``: the second stage alone."""

from __future__ import annotations

from token_difr.cli import options
from token_difr.cli.show import note

__all__ = ["command"]


def command(run: options.Run, *, tokenizer: options.RunsTokenizerName = None, quiet: options.Quiet = False) -> None:
    """Turn the answers of a run into token ids."""
    from token_difr.records import Audit
    from token_difr.run import RunDirectory
    from token_difr.run.sides import rendered_by
    from token_difr.run.stages import tokenize_run

    with RunDirectory.read(run) as stored:
        name = tokenizer or stored.audit.tokenizer
    loaded, rendered = rendered_by(name)
    with RunDirectory.resume(run, Audit(rendered=rendered)) as directory:
        tokenize_run(directory, loaded)
        tokens = sum(len(sequence.output_token_ids) for sequence in directory.sequences().values())
    note(f"{tokens:,} output tokens are in {run}", quiet=quiet)
