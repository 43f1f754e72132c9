"""``token-difr repair``: a lost or damaged run.json, made anew from the records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from token_difr.cli import options
from token_difr.cli.grouped import grouped
from token_difr.cli.groups import ProviderOptions, RepairOptions, SamplingOptions, ScoredOptions
from token_difr.cli.judges import ReferenceOptions
from token_difr.cli.show import note
from token_difr.errors import InputError

__all__ = ["command"]


@dataclass(frozen=True, kw_only=True)
class _Provider(ProviderOptions):
    provider: Annotated[str, typer.Option("--provider", metavar="URL", help="Base URL of the provider.")] = ""
    model: Annotated[str, typer.Option("--model", metavar="NAME", help="The model, by the provider's name.")] = ""


@dataclass(frozen=True, kw_only=True)
class _Reference(ReferenceOptions):
    reference: Annotated[
        str, typer.Option("--reference", metavar="URL|PATH", help="URL or model of the reference.")
    ] = ""


@grouped
def command(
    run: options.Run,
    *,
    provider: _Provider,
    sampling: SamplingOptions,
    tokenizer: options.TokenizerName = None,
    reference: _Reference,
    tokens: RepairOptions,
    scored: ScoredOptions,
) -> None:
    """Make a lost or damaged run.json of RUN anew. Offline; nothing else is touched.

    The records say what they were made for; those of older versions do not, and neither knows the sampler: give the
    options of the audit for what is missing.
    """
    from token_difr.records import Audit
    from token_difr.reference import local_model
    from token_difr.run.prompt_file import parsed_prompts
    from token_difr.run.repairing import repair
    from token_difr.run.sides import rendered_by

    if (provider.provider or (reference.reference and local_model(reference.reference) is None)) and not provider.model:
        raise InputError(
            "give --model too: the provider's name for the model, which is also the reference's by default"
        )
    stated = Audit(
        asked=provider.asked(sampling.params(len(parsed_prompts(run)))) if provider.provider else None,
        rendered=rendered_by(tokenizer)[1] if tokenizer else None,
        judged=reference.judged(provider.model) if reference.reference else None,
        resegmented=tokens.resegmented() if tokens != RepairOptions() else None,
        scored=scored.scored(),
    )
    repaired = repair(run, stated)
    known = ", ".join(name for name, _ in repaired.audit.parts())
    if repaired.was_whole:
        note(f"{run} is whole: nothing was done (a sampler is stated by token-difr score {run} --sampler)", quiet=False)
        return
    note(f"{run} has its run.json again; known are: {known}", quiet=False)
    if repaired.audit.scored is None:
        note(f"if its scores replayed a sampler, state it: token-difr score {run} --sampler NAME", quiet=False)
