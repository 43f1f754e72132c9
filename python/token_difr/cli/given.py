"""A file of answers in the place of a run directory: it is looked at, and made a run of."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from token_difr.cli import options
from token_difr.cli.judges import ReferenceOptions
from token_difr.errors import InputError

if TYPE_CHECKING:
    from token_difr.cli.manner import PaceOptions
    from token_difr.sequences.given_answers import GivenAnswers

__all__ = ["GivenOptions", "GivenReferenceOptions", "RunOrFile", "run_of"]

RunOrFile = Annotated[
    Path,
    typer.Argument(
        metavar="RUN",
        help="The run directory; or a file of answers (an inference bundle, vLLM-style JSON), of which --out makes one.",
        show_default=False,
    ),
]


@dataclass(frozen=True, kw_only=True)
class GivenReferenceOptions(ReferenceOptions):
    """Who judges a file of answers."""

    reference: Annotated[
        str,
        typer.Option(
            "--reference", metavar="URL|PATH", help="Of a file: who judges it, as in an audit.", show_default=False
        ),
    ] = ""


@dataclass(frozen=True, kw_only=True)
class GivenOptions:
    """What a file of answers does not say."""

    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Of a file: the run directory to make of it.")
    ] = None
    model: Annotated[
        str | None, typer.Option("--model", metavar="NAME", help="Of a file: its model.  [default: as it says]")
    ] = None
    tokenizer: options.RunsTokenizerName = None
    max_tokens: Annotated[
        int | None,
        typer.Option(
            "--max-tokens", min=1, help="Of a file: the longest output that was asked for.  [default: its longest]"
        ),
    ] = None
    temperature: options.Temperature = 0.0
    top_k: options.TopK = 0
    top_p: options.TopP = 1.0
    min_p: options.MinP = 0.0


def run_of(path: Path, given: GivenOptions, reference: GivenReferenceOptions, pace: PaceOptions) -> Path:
    """The run directory at ``path``, or the one that is made of the file there, with the reference's rows if one is given.

    Raises:
        InputError: Nothing can be judged with the file, or options are missing or have no file.
        EndpointError: The reference failed; what has arrived is kept.
    """
    if not path.is_file():
        if given != GivenOptions() or reference.reference:
            raise InputError(f"{path} is no file of answers: how they were made, --out and --reference go with one")
        return path
    from token_difr.findings import check_sound
    from token_difr.records import SamplingParams
    from token_difr.run.adopting import adopt
    from token_difr.run.sides import rendered_by
    from token_difr.sequences.given_answers import read_answers

    answers = read_answers(path)
    if given.tokenizer is None:
        check_sound(answers)  # before a tokenizer is looked for
    name = given.tokenizer or given.model or answers.model
    if name is None:
        raise InputError(f"{path} does not name its model: give --model, and --tokenizer if it is another name")
    tokenizer, rendered = rendered_by(name)
    check_sound(answers, tokenizer)
    if given.out is None:
        raise InputError(
            f"{path} holds {_told(answers)} and nothing that they are judged by: give --out DIR and --reference"
        )
    params = SamplingParams(temperature=given.temperature, top_k=given.top_k, top_p=given.top_p, min_p=given.min_p)
    judged = reference.judged(given.model or answers.model or name) if reference.reference else None
    adopt(
        answers,
        given.out,
        tokenizer=tokenizer,
        rendered=rendered,
        params=params,
        model=given.model,
        max_tokens=given.max_tokens,
    )
    if judged is not None:
        _ask(given.out, reference, judged, tokenizer, pace)
    return given.out


def _ask(out: Path, reference: GivenReferenceOptions, judged: Any, tokenizer: Any, pace: PaceOptions) -> None:
    from token_difr.cli.show import run_kept
    from token_difr.records import Audit
    from token_difr.run import RunDirectory
    from token_difr.run.stages import reference_run

    async def work() -> None:
        with RunDirectory.resume(out, Audit(judged=judged)) as run:
            async with reference.opened(pace, judged, tokenizer) as judge:
                await reference_run(run, judge, concurrency=pace.concurrency, progress=not pace.quiet)

    run_kept(work, out)


def _told(answers: GivenAnswers) -> str:
    tokens = sum(len(sequence.output_token_ids) for sequence in answers.sequences)
    return f"{len(answers.sequences):,} sound answers of {tokens:,} tokens"
