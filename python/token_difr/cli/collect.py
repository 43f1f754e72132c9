"""``token-difr collect``: the first stage alone."""

from __future__ import annotations

from token_difr.cli import options
from token_difr.cli.dry_run import show_dry_run
from token_difr.cli.grouped import grouped
from token_difr.cli.groups import ProviderOptions, SamplingOptions
from token_difr.cli.manner import DryRunOptions, PaceOptions
from token_difr.cli.show import note, run_kept

__all__ = ["command"]


@grouped
def command(
    *,
    provider: ProviderOptions,
    prompts: options.Prompts,
    out: options.Out,
    sampling: SamplingOptions,
    pace: PaceOptions,
    dry_run: DryRunOptions,
    as_json: options.Json = False,
) -> None:
    """Ask a provider for answers. The same command again asks for those that DIR lacks."""
    from token_difr.answers import read_prompts
    from token_difr.records import Audit
    from token_difr.run import RunDirectory
    from token_difr.run.stages import collect_run

    conversations = read_prompts(prompts)
    record = Audit(asked=provider.asked(sampling.params(len(conversations))))
    if dry_run.dry_run:
        show_dry_run(conversations, out, record, None, dry_run, as_json=as_json)
        return
    opened = provider.opened(pace)

    async def work() -> None:
        async with opened as client:
            with RunDirectory.create(out, conversations, record) as run:
                await collect_run(run, client, concurrency=pace.concurrency, progress=not pace.quiet)

    run_kept(work, out)
    note(f"{len(conversations)} answers are in {out}", quiet=pace.quiet)
