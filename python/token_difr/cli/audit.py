"""``token-difr audit``: all stages in one run."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from token_difr.cli import options
from token_difr.cli.dry_run import show_dry_run
from token_difr.cli.grouped import grouped
from token_difr.cli.groups import (
    DryRunOptions,
    PaceOptions,
    ProviderOptions,
    ReferenceOptions,
    RepairOptions,
    SamplingOptions,
    ScoredOptions,
    ShownOptions,
    reference_behind,
)
from token_difr.cli.show import interrupted_note, note, show_report

if TYPE_CHECKING:
    from token_difr.records import Report

__all__ = ["command"]


@grouped
def command(
    *,
    provider: ProviderOptions,
    reference: ReferenceOptions,
    prompts: options.Prompts,
    out: options.Out,
    tokenizer: options.TokenizerName = None,
    sampling: SamplingOptions,
    scored: ScoredOptions,
    baseline: options.Baseline = None,
    repair: RepairOptions,
    pace: PaceOptions,
    dry_run: DryRunOptions,
    shown: ShownOptions,
) -> None:
    """Audit a provider against a reference. The same command again goes on where DIR stopped."""
    from token_difr.answers import read_prompts
    from token_difr.records import Audit
    from token_difr.run.audit import check_audit, run_audit
    from token_difr.run.sides import Sides, rendered_by

    resegmented = repair.resegmented()
    conversations = read_prompts(prompts)
    asked, judged = provider.asked(sampling.params(len(conversations))), reference.judged(provider.model)
    check_audit(Audit(asked=asked, scored=scored.scored()))
    loaded, rendered = rendered_by(tokenizer or provider.model)
    record = Audit(asked=asked, rendered=rendered, judged=judged, resegmented=resegmented, scored=scored.scored())
    if dry_run.dry_run:
        show_dry_run(conversations, out, record, loaded, dry_run, as_json=shown.chosen == "json")
        return

    async def work() -> Report:
        async with provider.opened(pace) as client, reference.opened(pace) as judge:
            sides = Sides(client, reference_behind(judge, judged, loaded), loaded)
            done = await run_audit(
                record,
                conversations,
                sides,
                out,
                baseline=baseline,
                concurrency=pace.concurrency,
                progress=not pace.quiet,
            )
            return done.report

    try:
        report = asyncio.run(work())
    except KeyboardInterrupt:
        interrupted_note(out)
        raise
    note(f"the run is kept in {out}", quiet=pace.quiet)
    raise show_report(report, shown)
