"""The demo's tables and its last sentences."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from token_difr.demo.audits import DemoResult, SampledResult
from token_difr.records import Verdict
from token_difr.report import percent, plain_table, verdict_text
from token_difr.run.audit import AuditRun

__all__ = ["closing_sentence", "results_table", "sampled_sentence", "sampled_table"]

SHOWN_CLIPS = ("0.1", "30")


def results_table(results: Sequence[DemoResult]) -> Table:
    """One row a provider: tokens, match rate with its interval, two of the clipped margins, p-value, verdict.

    Fits 80 columns.
    """
    table = plain_table(
        "Six providers of one model name, against its float32 reference, temperature 0",
        caption="c: the mean of min(margin, c) / c; 0 = every token is the reference's",
    )
    table.add_column("behind the API", no_wrap=True)
    table.add_column("tokens", justify="right", no_wrap=True)
    table.add_column("match", justify="right", no_wrap=True)
    table.add_column("(95 %)", justify="right", no_wrap=True)
    for clip in SHOWN_CLIPS:
        table.add_column(f"c={clip}", justify="right", no_wrap=True)
    table.add_column("p", justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    for result in results:
        summary, comparison = result.run.decision.summary, result.run.decision.comparison
        rate = summary.exact_match_rate
        table.add_row(
            result.provider.deviation,
            f"{summary.decided_tokens:,}",
            percent(rate.value, digits=1),
            f"{100 * rate.low:.1f} - {100 * rate.high:.1f}",
            *(f"{summary.statistics[f'clipped_margin_{clip}'].value:.4f}" for clip in SHOWN_CLIPS),
            "-" if comparison is None else f"{comparison.p_value:.4f}",
            verdict_text(result.run.verdict),
        )
    return table


def closing_sentence(results: Sequence[DemoResult]) -> str:
    """What was found, in one sentence; a second one where it is not what the deviations call for."""
    judged = [result for result in results if result.provider.expected is not None]
    parts = [
        f"{word}: {_listed([r.provider.deviation for r in judged if r.run.verdict is verdict])}"
        for word, verdict in (("Caught", Verdict.DIVERGENT), ("cleared", Verdict.CONSISTENT))
    ]
    parts += [
        f"{r.provider.deviation}, near the noise: {r.run.verdict}" for r in results if r.provider.expected is None
    ]
    missed = [
        f"{r.provider.deviation} should be {r.provider.expected}, not {r.run.verdict}"
        for r in judged
        if r.provider.expected is not r.run.verdict
    ]
    unexpected = f" NOT as expected: {_listed(missed)}." if missed else ""
    return f"{'; '.join(parts)}.{unexpected}"


def sampled_table(results: Sequence[SampledResult]) -> Table:
    """One row a provider at temperature 1: with the noise replayed, and without. Fits 80 columns."""
    table = plain_table(
        "At temperature 1: replayed from seed 42, and judged without a seed",
        caption="surprise: the mean of what lies above its expectation, in nats",
    )
    table.add_column("behind the API", no_wrap=True)
    table.add_column("match", justify="right", no_wrap=True)
    table.add_column("p", justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    table.add_column("surprise", justify="right", no_wrap=True)
    table.add_column("p", justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    for result in results:
        table.add_row(result.provider.deviation, *_replayed_cells(result.replayed), *_unseeded_cells(result.unseeded))
    return table


def _replayed_cells(run: AuditRun) -> tuple[str, str, Text]:
    rate = run.decision.summary.exact_match_rate
    return percent(rate.value, digits=1), _p_value(run), verdict_text(run.verdict)


def _unseeded_cells(run: AuditRun | None) -> tuple[str, str, str | Text]:
    if run is None:
        return "-", "-", "-"
    surprise = run.decision.summary.statistics["surprise_above"]
    return f"{surprise.value:.3f}", _p_value(run), verdict_text(run.verdict)


def _p_value(run: AuditRun) -> str:
    comparison = run.decision.comparison
    return "-" if comparison is None else f"{comparison.p_value:.4f}"


def sampled_sentence(results: Sequence[SampledResult]) -> str:
    """What was found at temperature 1, in one sentence; a second one where it is not what the deviations call for."""
    seeded = [(r.provider.deviation, r.provider.expected, r.replayed.verdict) for r in results]
    unseeded = [
        (f"{r.provider.deviation} without a seed", r.provider.unseeded, r.unseeded.verdict)
        for r in results
        if r.unseeded is not None
    ]
    caught = [name for name, _, verdict in seeded if verdict is Verdict.DIVERGENT]
    blind = [
        r.provider.deviation for r in results if r.unseeded is not None and r.unseeded.verdict is Verdict.DIVERGENT
    ]
    missed = [
        f"{name} should be {wanted}, not {verdict}" for name, wanted, verdict in seeded + unseeded if wanted != verdict
    ]
    unexpected = f" NOT as expected: {_listed(missed)}." if missed else ""
    return f"Caught at temperature 1: {_listed(caught)}; without a seed: {_listed(blind)}.{unexpected}"


def _listed(items: Sequence[str]) -> str:
    return ", ".join(items) if items else "none"
