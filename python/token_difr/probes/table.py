"""A probe's findings for a terminal, and as JSON."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from rich.markup import escape
from rich.table import Table
from rich.text import Text

from token_difr.probes.agreement import Honored
from token_difr.probes.probing import Probe
from token_difr.report import finite_json, percent, plain_table
from token_difr.sampler import Sampler

__all__ = ["probe_tables", "probe_to_json", "shortened"]

FORMAT = 1


def probe_to_json(probe: Probe) -> dict[str, Any]:
    """The findings as JSON values, field names as in the dataclasses; what is not a finite number is None."""
    fields = finite_json(dataclasses.asdict(probe))
    fields["greedy"]["deterministic"] = probe.greedy.deterministic
    return {"format": FORMAT, **fields, "reproduced_by": list(probe.reproduced_by)}


def probe_tables(probe: Probe) -> list[Table | Text]:
    """What to print, in order: how far answers agree, the samplers, and the findings in words."""
    shown: list[Table | Text] = [_agreements(probe)]
    if probe.samplers:
        shown.append(_samplers(probe))
    shown.append(Text("\n".join(_findings(probe))))
    return shown


def _agreements(probe: Probe) -> Table:
    table = plain_table(
        f"{probe.answers} answers of {probe.model}", caption="alike: how much of the longer answer both begin with"
    )
    for heading in ("pairs of answers to one question", "equal", "(95 %)", "alike"):
        table.add_column(heading, justify="left" if heading.startswith("pairs") else "right", no_wrap=True)
    sampled = f"temperature {probe.params.temperature:g}"
    for label, pairs in (
        ("temperature 0", probe.greedy.agreement),
        (f"{sampled}, the same seed", probe.seeds.same),
        (f"{sampled}, two seeds", probe.seeds.different),
    ):
        low, high = pairs.interval
        share = percent(pairs.prefix, digits=0)
        table.add_row(label, f"{pairs.equal} of {pairs.pairs}", f"{100 * low:.0f} - {100 * high:.0f}", share)
    return table


def _samplers(probe: Probe) -> Table:
    table = plain_table(
        f"{probe.tokens:,} tokens, replayed from their seeds",
        caption="chance: the match rate with seeds that were not sent",
    )
    table.add_column("sampler", overflow="fold")
    for heading in ("decided", "match", "(95 %)", "chance"):
        table.add_column(heading, justify="right", no_wrap=True)
    for fit in probe.samplers:
        low, high = fit.interval
        table.add_row(
            escape(shortened(fit.samplers)),
            f"{fit.decided:,}",
            percent(fit.match_rate, digits=1),
            f"{100 * low:.1f} - {100 * high:.1f}",
            percent(fit.chance_rate, digits=1),
        )
    return table


def _findings(probe: Probe) -> list[str]:
    seeds = probe.seeds
    honored = {
        Honored.YES: "Honors the seed",
        Honored.NO: "Honors no seed",
        Honored.UNCLEAR: "Unclear whether it honors the seed",
    }
    at_zero = "Deterministic" if probe.greedy.deterministic else "Not deterministic"
    return [
        f"{at_zero} at temperature 0.",
        (
            f"{honored[seeds.honored]}: with the same one, {seeds.longer} questions have answers that agree for longer, "
            f"{seeds.shorter} for less long (p = {seeds.p_value:.4f})."
        ),
        *(f"Not tried: {shortened(each.samplers)}: {each.reason}." for each in probe.untried),
        _whose(probe),
    ]


def _whose(probe: Probe) -> str:
    if probe.seeds.honored is Honored.NO:
        return "Without a seed no sampler can be replayed."
    if not probe.reproduced_by:
        return "No sampler that was tried reproduces its tokens."
    return f"Its tokens are reproduced by {shortened(probe.reproduced_by)}."


def shortened(names: Sequence[str]) -> str:
    """Names of samplers as a list; those that differ in the GPU alone as one."""
    plain = Counter(map(_without_gpu, names))
    every = Counter(_without_gpu(sampler.name) for sampler in Sampler.known())
    gpus: dict[str, list[str]] = {}
    for name in names:
        gpus.setdefault(_without_gpu(name), []).extend(_gpus(name))
    return ", ".join(_with_gpus(name, gpus[name], complete=count == every[name]) for name, count in plain.items())


def _with_gpus(name: str, gpus: list[str], *, complete: bool) -> str:
    if not gpus:
        return name
    return f"{name} on any GPU" if complete else f"{name} on {'/'.join(gpus)}"


def _without_gpu(name: str) -> str:
    head, _, options = name.partition(":")
    kept = [option for option in options.split(",") if option and not option.startswith("gpu=")]
    return f"{head}:{','.join(kept)}" if kept else head


def _gpus(name: str) -> Iterable[str]:
    return [option.removeprefix("gpu=") for option in name.partition(":")[2].split(",") if option.startswith("gpu=")]
