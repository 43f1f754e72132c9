"""``token-difr audit``: all stages in one run."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from token_difr.cli import options
from token_difr.cli.dry_run import show_dry_run
from token_difr.cli.grouped import grouped
from token_difr.cli.groups import (
    ProviderOptions,
    RepairOptions,
    RuleOptions,
    SamplingOptions,
    ScoredOptions,
)
from token_difr.cli.judges import ReferenceOptions
from token_difr.cli.manner import DryRunOptions, PaceOptions, PreflightOptions, ShownOptions, UntilOptions
from token_difr.cli.show import note, run_kept, show_report
from token_difr.interrupts import run_work

if TYPE_CHECKING:
    from token_difr.records import Report
    from token_difr.run.sides import Sides

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
    judging: RuleOptions,
    repair: RepairOptions,
    until: UntilOptions,
    pace: PaceOptions,
    preflight: PreflightOptions,
    dry_run: DryRunOptions,
    shown: ShownOptions,
) -> None:
    """Audit a provider against a reference. The same command again goes on where DIR stopped.

    With --ties FILE it is an audit of near ties, which asks no reference: see token-difr ties audit --help.
    """
    from token_difr.answers import read_prompts
    from token_difr.records import Audit
    from token_difr.run.audit import check_audit, check_unsent, run_audit
    from token_difr.run.preflight import run_preflight
    from token_difr.run.sides import Sides, rendered_by

    resegmented, rule, ceiling = repair.resegmented(), judging.rule(), until.ceiling(dry_run)
    checked = preflight.checked(dry=dry_run.dry_run)
    conversations = read_prompts(prompts)
    asked, judged = provider.asked(sampling.params(len(conversations))), reference.judged(provider.model)
    check_audit(Audit(asked=asked, scored=scored.scored()))
    loaded, rendered = rendered_by(tokenizer or provider.model)
    record = Audit(asked=asked, rendered=rendered, judged=judged, resegmented=resegmented, scored=scored.scored())

    @asynccontextmanager
    async def sides() -> AsyncIterator[Sides]:
        async with provider.opened(pace) as client, reference.opened(pace, judged, loaded) as judge:
            yield Sides(client, judge, loaded)

    def tell(sentence: str) -> None:
        note(f"note: {sentence}", quiet=pace.quiet)

    async def check() -> None:
        async with sides() as opened:
            await run_preflight(record, conversations, opened, out, tell=tell)

    async def work() -> Report:
        async with sides() as opened:
            done = await run_audit(
                record,
                conversations,
                opened,
                out,
                baseline=baseline,
                rule=rule,
                until=ceiling,
                preflight=not preflight.no_preflight,
                tell=tell,
                concurrency=pace.concurrency,
                progress=not pace.quiet,
            )
            return done.report

    if dry_run.dry_run:
        check_unsent(record, conversations, loaded, baseline, out)
        if checked:
            run_work(check)
        show_dry_run(conversations, out, record, loaded, dry_run, as_json=shown.chosen == "json", checked=checked)
        return
    report = run_kept(work, out)
    note(f"the run is kept in {out}", quiet=pace.quiet)
    raise show_report(report, shown, out)
