"""The matrix: every engine audited by the command line, as a user would, and held to what must come out.

A provider is asked once and judged by each reference: the answers are collected into a folder, and a copy of that folder
is audited for each reference. The baseline of every audit is an honest engine other than the reference, on the same
prompts: two engines that compute the same model differ by how they round, and honest answers may differ as much.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from real_engines.environments import FOLDER
from real_engines.serving import MODEL_NAME, SAMPLER, Engine

__all__ = ["Audited", "Bench", "greedy", "seeded", "table", "unseeded"]

CONSISTENT, DIVERGENT, INCONCLUSIVE = "consistent", "divergent", "inconclusive"
WIDTH = 49152
"""SmolLM2's vocabulary."""
OURS, VLLM, F16, Q8_0, Q4_0 = "token-difr serve", "vLLM", "llama.cpp F16", "llama.cpp Q8_0", "llama.cpp Q4_0"
MUST_BE = {
    VLLM: CONSISTENT,
    OURS: CONSISTENT,
    F16: CONSISTENT,
    Q8_0: None,
    Q4_0: DIVERGENT,
    "int4 weights": DIVERGENT,
    "system prompt": DIVERGENT,
}
"""The verdict that each provider's deviation calls for; None: as it comes."""
BASELINES = {VLLM: OURS, OURS: VLLM, F16: VLLM}
"""The honest engine whose answers a reference's audits are compared with."""
DIALECTS = {VLLM: "vllm", OURS: "vllm", F16: "llama.cpp"}
REPLAYED = ("--sampler", SAMPLER, "--vocab-size", str(WIDTH))
FILTERED = ("--temperature", "1", "--top-p", "0.95")


@dataclass(frozen=True, kw_only=True)
class Audited:
    """One audit of the matrix.

    Attributes:
        how: Temperature, ids or text, seed.
        reference: Name of the judge.
        provider: Name of the provider.
        must_be: The verdict that is called for; None: as it comes.
        path: The run directory.
        report: The report as JSON.
    """

    how: str
    reference: str
    provider: str
    must_be: str | None
    path: Path
    report: dict[str, Any]

    @property
    def verdict(self) -> str:
        """What came out."""
        return str(self.report["verdict"])

    @property
    def as_it_must_be(self) -> bool:
        """Whether it is what must come out."""
        return self.must_be in {None, self.verdict}


@dataclass(frozen=True, kw_only=True)
class Bench:
    """What all audits share.

    Attributes:
        urls: Of the running engines, by name.
        engines: By name.
        prompts: A file of prompts.
        tokens: Longest answer.
        folder: For run directories.
    """

    urls: dict[str, str]
    engines: dict[str, Engine]
    prompts: Path
    tokens: int
    folder: Path

    def collect(self, provider: str, how: str, options: Sequence[str] = ()) -> Path:
        """The answers of a provider, once; what is there already is not asked for again."""
        run = self.folder / _file_name(how, provider)
        self.token_difr("collect", *self._asking(provider), *options, "--out", run)
        return run

    def audit(
        self,
        collected: Path,
        *,
        how: str,
        reference: str,
        provider: str,
        baseline: Path | None = None,
        options: Sequence[str] = (),
        must_be: str | None = None,
    ) -> Audited:
        """A copy of collected answers, judged by one reference."""
        run = collected.with_name(f"{collected.name}-by-{_file_name(reference)}")
        if not run.exists():
            shutil.copytree(collected, run)
        against = () if baseline is None else ("--baseline", baseline)
        told = self.token_difr(
            "audit",
            *self._asking(provider),
            *options,
            *("--reference", self.urls[reference], "--reference-dialect", DIALECTS[reference]),
            *("--tokenizer", FOLDER, "--out", run, "--json", *against),
        )
        about: dict[str, Any] = {"how": how, "reference": reference, "provider": provider, "must_be": must_be}
        audited = Audited(**about, path=run, report=json.loads(told))
        print(_row(audited), flush=True)
        return audited

    def probe(self, provider: str, reference: str) -> str:
        """What ``probe`` says of an engine, in a line."""
        told = self.token_difr(
            *("probe", "--provider", self.urls[provider], "--provider-service", self.engines[provider].service),
            *("--model", MODEL_NAME, "--tokenizer", FOLDER, "--reference", self.urls[reference]),
            *("--vocab-size", str(WIDTH), "--max-tokens", "16", "--quiet", "--json"),
        )
        found = json.loads(told)
        named = ", ".join(found["reproduced_by"]) or "no known sampler"
        return f"{provider}: seeds honored: {found['seeds']['honored']}; reproduced by {named}"

    def rollouts(self, provider: str) -> str:
        """Samples with logprobs from an engine, in a line."""
        told = self.token_difr(
            *("rollouts", "sample", "Name a color.", "--provider", self.urls[provider], "--model", MODEL_NAME),
            *("--provider-service", self.engines[provider].service, "--n-samples", "4", "--max-tokens", "8"),
            *("--logprobs", "5", "--no-cache", "--quiet"),
        )
        samples = [json.loads(line) for line in told.splitlines()]
        with_logprobs = sum(bool(sample.get("logprobs")) for sample in samples)
        return f"{provider}: {len(samples)} samples, {with_logprobs} with logprobs"

    def _asking(self, provider: str) -> tuple[str, ...]:
        return (
            *("--provider", self.urls[provider], "--provider-service", self.engines[provider].service),
            *("--model", MODEL_NAME, "--prompts", str(self.prompts), "--max-tokens", str(self.tokens), "--quiet"),
        )

    def token_difr(self, *arguments: str | Path) -> str:
        """What a command of the product prints.

        Raises:
            RuntimeError: It ended with an error.
        """
        command = [sys.executable, "-m", "token_difr", *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        # 0, 1 and 3 are verdicts; 2 is an error.
        if done.returncode not in {0, 1, 3}:
            raise RuntimeError(f"{' '.join(command)}\n{done.stderr}")
        return done.stdout


UNSEEDED = "T=1, no seed"
TEXT = ("--no-ask-token-ids",)
"""An audit of text is compared with a baseline of text: what is lost between tokens and text is lost on both sides."""


def greedy(bench: Bench, judges: Sequence[str]) -> Iterator[Audited]:
    """Temperature 0, by the engine's token ids where it tells them, and by its text alone."""
    with_ids = (VLLM, OURS, "int4 weights", "system prompt")
    by_text = (VLLM, OURS, F16, Q8_0, Q4_0)
    for how, options, providers in (("T=0, ids", (), with_ids), ("T=0, text", TEXT, by_text)):
        answers = {provider: bench.collect(provider, how, options) for provider in providers}
        for judge in judges:
            yield from _judged(bench, how, judge, answers, options=options)
    # llama.cpp gives the logprobs of one position a request: it judges a few only.
    yield from _judged(bench, how, F16, {name: answers[name] for name in (VLLM, OURS, F16, Q4_0)}, options=TEXT)


def seeded(bench: Bench, judges: Sequence[str]) -> Iterator[Audited]:
    """Temperature 1, replayed from the seed where the engine's noise is known."""
    yield from _sampled(bench, judges, "T=1, seed", ("--seeds", "7"), REPLAYED, (VLLM, OURS, "int4 weights"))


def unseeded(bench: Bench, judges: Sequence[str]) -> Iterator[Audited]:
    """Temperature 1 without any seed."""
    yield from _sampled(bench, judges, UNSEEDED, TEXT, (), (VLLM, OURS, F16, Q4_0))


def _sampled(  # noqa: PLR0917 - the arguments of its two callers
    bench: Bench,
    judges: Sequence[str],
    how: str,
    asked: Sequence[str],
    scored: Sequence[str],
    providers: Sequence[str],
) -> Iterator[Audited]:
    options = (*asked, *FILTERED)
    answers = {name: bench.collect(name, how, options) for name in providers}
    for judge in judges:
        yield from _judged(bench, how, judge, answers, options=(*options, *scored))


def _judged(
    bench: Bench, how: str, judge: str, answers: dict[str, Path], *, options: Sequence[str]
) -> Iterator[Audited]:
    """All answers by one judge, against those of the judge's baseline."""
    about: dict[str, Any] = {"how": how, "reference": judge, "options": options}
    trusted = bench.audit(answers[BASELINES[judge]], provider=BASELINES[judge], **about)
    for provider, collected in answers.items():
        if provider != trusted.provider:
            must_be = MUST_BE[provider]
            if must_be == CONSISTENT and how == UNSEEDED:
                must_be = INCONCLUSIVE  # likelihoods alone show nobody to be consistent
            yield bench.audit(collected, provider=provider, baseline=trusted.path, must_be=must_be, **about)


HEAD = f"{'asked':13} {'reference':17} {'provider':17} {'tokens':>7} {'match':>8}  {'(95 %)':13} {'p':>7} verdict"


def table(audits: Sequence[Audited]) -> str:
    """A line an audit."""
    return "\n".join([HEAD, *map(_row, audits)])


def _row(audited: Audited) -> str:
    decision = audited.report
    summary, comparison = decision["summary"], decision.get("comparison")
    p_value = f"{comparison['p_value']:.4f}" if comparison else "-"
    verdict = audited.verdict if comparison else "(baseline)"
    warned = ", ".join(found["name"] for found in decision["findings"] if found["level"] == "warning")
    return (
        f"{audited.how:13} {audited.reference:17} {audited.provider:17} {summary['tokens']:7,} {_agreement(summary)}"
        f" {p_value:>7} {verdict}"
        f"{'' if audited.as_it_must_be else f', NOT {audited.must_be}'}{f' [{warned}]' if warned else ''}"
    )


def _agreement(summary: dict[str, Any]) -> str:
    """The match rate and its interval; where nothing is replayed, the mean of what surprises lie above their expectation."""
    if summary["exact_match_rate"][0] is None:
        return f"surprise {summary['statistics']['surprise_above'][0]:.3f} nats  "
    value, low, high = (100 * share for share in summary["exact_match_rate"])
    return f"{value:6.2f} %  {low:5.1f} - {high:5.1f}"


def _file_name(*words: str) -> str:
    return "-".join(words).replace(" ", "-").replace(",", "").replace("=", "")
