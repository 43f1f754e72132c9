"""The demo's one table and its last sentence."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from token_difr.decide import Verdict
from token_difr.demo.audits import DemoResult
from token_difr.report.terminal import percent, plain_table, verdict_text

__all__ = ["closing_sentence", "results_table"]

SHOWN_CLIPS = ("0.1", "30")


def results_table(results: Sequence[DemoResult]) -> Table:
    """One row a provider: tokens, match rate with its interval, two of the clipped margins, p-value, verdict.

    Fits 80 columns.
    """
    table = plain_table(
        "Five providers of one model name, against its float32 reference",
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


def _listed(items: Sequence[str]) -> str:
    return ", ".join(items) if items else "none"
