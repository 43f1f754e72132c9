"""Near ties of a real model: how many requests of one token tell 4-bit and 8-bit weights from honest ones.

The ties are picked by vLLM in one precision, and the baseline is vLLM in the precision that is claimed. Everybody is asked for
all of them once, by chat, as a provider on the web is; what an audit until a verdict would have done is then replayed in random
orders. What a folder holds from an earlier try is not asked again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from measure_ties import beside, replayed
from real_engines.environments import FOLDER
from real_engines.matrix import CONSISTENT, DIVERGENT, F16, OURS, Q4_0, Q8_0, VLLM, Bench
from real_engines.serving import MODEL_NAME
from token_difr.run.directory import RunDirectory
from token_difr.run.layout import REPORT
from token_difr.ties import TieSet
from token_difr.ties.auditing import RULE
from token_difr.ties.flips import flips_by_tie
from token_difr.verdict.flip_curves import fitted_curve
from token_difr.verdict.tie_kinds import kind_of, log_likelihood_ratios

__all__ = ["HEAD", "OTHER_BATCHES", "OURS_BF16", "VLLM_BF16", "VLLM_F16", "TieRow", "tie_rows"]

VLLM_F16, VLLM_BF16, OURS_BF16 = f"{VLLM} float16", f"{VLLM} bfloat16", f"{OURS} bfloat16"
OTHER_BATCHES = f"{VLLM_BF16}, one at a time"
ORDERS = 20


@dataclass(frozen=True, kw_only=True)
class Design:
    """Who picks, who is the baseline, and what must come of whom.

    Attributes:
        precision: Of the ties.
        picker: The engine whose near ties they are.
        baseline: The honest engine of the claimed precision.
        must_be: Verdict and most requests to it on average, by provider; no limit where only the verdict counts.
    """

    precision: str
    picker: str
    baseline: str
    must_be: dict[str, tuple[str, float]]


DESIGNS = (
    Design(
        precision="float32",
        picker=VLLM,
        baseline=VLLM_F16,
        must_be={F16: (CONSISTENT, np.inf), Q8_0: (DIVERGENT, 25), Q4_0: (DIVERGENT, 12)},
    ),
    Design(
        precision="bfloat16",
        picker=VLLM_BF16,
        baseline=VLLM_BF16,
        must_be={
            OTHER_BATCHES: (CONSISTENT, np.inf),
            OURS_BF16: (CONSISTENT, np.inf),
            Q8_0: (DIVERGENT, 150),
            Q4_0: (DIVERGENT, 20),
        },
    ),
)


@dataclass(frozen=True, kw_only=True)
class TieRow:
    """One provider at one set of ties.

    Attributes:
        precision: Of the ties.
        provider: Who was asked.
        fell: The share of all ties that fell the other way, and the same of the baseline.
        verdicts: The share of the orders that ended in the verdict that must come.
        asked: Requests to the end of an audit, on average over the orders.
        tokens: That are read for them, prompt and begun answer; one is answered to each.
        kind: Of which kind the deviation is by the shape of all its flips.
        must_be: Verdict and most requests.
    """

    precision: str
    provider: str
    fell: tuple[float, float]
    verdicts: float
    asked: float
    tokens: float
    kind: str
    must_be: tuple[str, float]

    @property
    def as_it_must_be(self) -> bool:
        """Whether every order came to the verdict, within so many requests on average."""
        return self.verdicts == 1 and self.asked <= self.must_be[1]

    def __str__(self) -> str:
        fell, honest = (f"{100 * share:5.1f} %" for share in self.fell)
        kind = f", {self.kind}" if self.must_be[0] == DIVERGENT else ""
        missed = "" if self.as_it_must_be else f"  NOT within {self.must_be[1]:g}"
        return (
            f"{self.precision:9} {self.provider:28} {fell:>9} {honest:>9} {self.asked:9.1f}"
            f" {self.tokens:8,.0f}  {self.must_be[0]} in {100 * self.verdicts:.0f} %{missed}{kind}"
        )


HEAD = f"{'picked in':9} {'provider':28} {'fell':>9} {'baseline':>9} {'requests':>9} {'tokens':>8}  verdict in {ORDERS} orders"


def tie_rows(bench: Bench, count: int) -> Iterator[TieRow]:
    """Every design's providers, each asked for ``count`` ties once."""
    for design in DESIGNS:
        file = _picked(bench, design, count)
        ties = TieSet.load(file)
        honest = _flips(bench, file, design.baseline, ties)
        for provider, must_be in design.must_be.items():
            outcomes = _flips(bench, file, provider, ties)
            gaps, fell = np.array([tie.gap for tie in ties.ties]), np.minimum(honest, 1)
            answered = beside(gaps, outcomes, [fell])
            ended = [replayed(answered, RULE, seed) for seed in range(ORDERS)]
            asked = float(np.mean([each.asked for each in ended]))
            ratios = log_likelihood_ratios(gaps, outcomes, fitted_curve(gaps, fell).at(gaps))
            yield TieRow(
                precision=design.precision,
                provider=provider,
                fell=(float(np.mean(outcomes > 0)), float(np.mean(honest > 0))),
                verdicts=float(np.mean([each.verdict == must_be[0] for each in ended])),
                asked=asked,
                tokens=asked * np.mean([len(tie.prompt_token_ids) + tie.position for tie in ties.ties]),
                kind=kind_of(ratios),
                must_be=must_be,
            )


def _picked(bench: Bench, design: Design, count: int) -> Path:
    file = bench.folder / f"ties-{design.precision}.json"
    if file.exists():
        return file
    bench.token_difr(
        *(
            "ties",
            "pick",
            "--reference",
            bench.urls[design.picker],
            "--model",
            MODEL_NAME,
            "--tokenizer",
            FOLDER,
        ),
        *("--precision", design.precision, "--prompts", bench.prompts, "--max-tokens", str(bench.tokens)),
        *("--count", str(count), "--per-prompt", "2", "--out", file, "--quiet"),
    )
    return file


def _flips(bench: Bench, file: Path, provider: str, ties: TieSet) -> np.ndarray[tuple[int], np.dtype[np.int8]]:
    engine = VLLM_BF16 if provider == OTHER_BATCHES else provider
    out = file.with_name(f"{file.stem}-{provider}".replace(" ", "-").replace(",", ""))
    if not (out / REPORT).exists():
        bench.token_difr(
            *(
                "audit",
                "--ties",
                file,
                "--provider",
                bench.urls[engine],
                "--provider-service",
                bench.engines[engine].service,
            ),
            *("--model", MODEL_NAME, "--by", "chat", "--out", out, "--quiet"),
            *("--concurrency", "1" if provider == OTHER_BATCHES else "8"),
        )
    with RunDirectory.read(out) as run:
        return flips_by_tie(run, ties).outcomes(ties)
