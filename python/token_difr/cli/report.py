"""``token-difr report``: the verdict of a run directory, shown again."""

from __future__ import annotations

from token_difr.cli import options
from token_difr.errors import RunDirectoryError

__all__ = ["command"]


def command(run: options.Run, as_json: options.Json = False) -> None:
    """Show the verdict that RUN holds, and where its outputs part from the reference. The exit code is the verdict."""
    from token_difr.cli.show import show_run
    from token_difr.report import decision_from_json, findings_from_json
    from token_difr.run import RunDirectory

    with RunDirectory.read(run) as directory:
        verdict = directory.read_verdict()
        if verdict is None:
            raise RunDirectoryError(f"{run} has no verdict yet: token-difr decide {run}")
        raise show_run(directory, decision_from_json(verdict), findings_from_json(verdict), as_json=as_json)
