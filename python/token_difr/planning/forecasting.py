"""What a run of so many answers would have shown: the sentence that ends an inconclusive verdict."""

from __future__ import annotations

from collections.abc import Iterable

from token_difr.planning.detection import Design, power
from token_difr.records import Detectable, Power
from token_difr.verdict.deviation_table import DeviationTable, Noise, Sampling, known_table

__all__ = ["forecast"]


def forecast(
    answers: tuple[int, int],
    design: Design,
    sampling: Sampling | None,
    *,
    noise: Noise | None = None,
    blocked: bool = False,
    until_verdict: bool = False,
    table: DeviationTable | None = None,
) -> Power:
    """What an audit of so many answers would have shown.

    Args:
        answers: Of the candidate, and of its baseline; as many as the candidate's where there is none.
        design: The audit's.
        sampling: How answers were asked for; None = drawn, and the noise not replayed.
        noise: The baseline's; None = that of the table, for want of a baseline.
        blocked: Whether something stood in the way, so that nothing could be shown.
        until_verdict: Whether answers were bet on as they came: what is told is of an audit of all at once.
        table: Of known deviations; None = the one that comes with the package.
    """
    table = known_table() if table is None else table
    deviations = table.of(sampling)
    without_baseline = noise is None
    if noise is None and sampling is not None:
        noise = table.noise[sampling]
    # The standard error of a difference is that of two sides with the harmonic mean of both numbers.
    each = round(2 * answers[0] * answers[1] / sum(answers)) if all(answers) else 0
    found = [] if noise is None else [Detectable(one.name, power(one, noise, each, design)) for one in deviations]
    ordered = tuple(sorted(found, key=lambda one: -one.probability))
    return Power(
        sequences=answers[0],
        level=design.level,
        paired=design.paired,
        measured_on=table.model,
        deviations=ordered,
        sentence=_sentence(
            answers, ordered, table.model, without_baseline=without_baseline, blocked=blocked, at_once=until_verdict
        ),
    )


def _sentence(
    answers: tuple[int, int],
    deviations: Iterable[Detectable],
    model: str,
    *,
    without_baseline: bool,
    blocked: bool,
    at_once: bool,
) -> str:
    parts = [f"{one.name} in {_percent(one.probability)}" for one in deviations]
    if not parts:
        return "What this run could have shown is not known: no deviation was measured without a replay of the noise."
    run = f"his run of {answers[0]:,} answer{'' if answers[0] == 1 else 's'}"
    if without_baseline:
        opening = f"Beside a baseline of as many, t{run}"
    elif at_once:
        opening = f"Asked all at once, t{run}"
    elif blocked:
        opening = f"Had nothing stood in its way, t{run}"
    else:
        opening = f"T{run}"
    *others, last = parts
    listed = f"{', '.join(others)} and {last}" if others else last
    return f"{opening} would have shown {listed} of such audits (deviations as large as on {model})."


def _percent(probability: float) -> str:
    if probability > 0.99:
        return "over 99 %"
    return f"{100 * probability:.0f} %" if probability >= 0.01 else "under 1 %"
