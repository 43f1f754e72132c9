"""``token-difr reference``: the third stage alone."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from token_difr.cli import options
from token_difr.cli.grouped import grouped
from token_difr.cli.groups import RepairOptions
from token_difr.cli.judges import ReferenceOptions
from token_difr.cli.manner import PaceOptions
from token_difr.cli.show import local_tokenizer, note, run_kept

__all__ = ["command"]


@grouped
def command(
    run: options.Run,
    *,
    reference: ReferenceOptions,
    reference_moved: Annotated[
        bool,
        typer.Option(
            "--reference-moved",
            help="It is the run's own reference, at another URL or path: go on with it, here and in an audit.",
        ),
    ] = False,
    repair: RepairOptions,
    pace: PaceOptions,
) -> None:
    """Ask a reference for the logprobs of a run's tokens. The same command again asks for those that RUN lacks."""
    from token_difr.records import Audit
    from token_difr.reference import dialect_named
    from token_difr.run import RunDirectory
    from token_difr.run.moving import move_reference
    from token_difr.run.resegmenting import resegment_run
    from token_difr.run.stages import reference_run
    from token_difr.segmentation import is_repairable

    resegmented = repair.resegmented()
    with RunDirectory.read(run) as stored:
        asked = stored.audit.asked
        judged = reference.judged("" if asked is None else asked.model)
        named = judged.reference is not None and dialect_named(judged.dialect).needs_tokenizer
        needed = named or (
            resegmented.requests != 0 and any(is_repairable(each) for each in stored.sequences().values())
        )
        tokenizer = local_tokenizer(stored.audit) if needed else None

    if reference_moved:
        move_reference(run, judged)

    async def work() -> None:
        with RunDirectory.resume(run, Audit(judged=judged, resegmented=resegmented)) as directory:
            async with reference.opened(pace, judged, tokenizer) as judge:
                speed: dict[str, Any] = {"concurrency": pace.concurrency, "progress": not pace.quiet}
                await reference_run(directory, judge, **speed)
                if tokenizer is not None:
                    await resegment_run(directory, judge, tokenizer, **speed)

    run_kept(work, run)
    note(f"the reference's rows are in {run}", quiet=pace.quiet)
