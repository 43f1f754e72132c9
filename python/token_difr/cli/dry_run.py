"""``--dry-run``: what a run would send and cost."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from token_difr.answers import Estimate
    from token_difr.cli.manner import DryRunOptions
    from token_difr.records import Audit, Conversation
    from token_difr.sequences import Tokenizer

__all__ = ["show_dry_run"]


def show_dry_run(
    prompts: Sequence[Conversation],
    out: Path,
    record: Audit,
    tokenizer: Tokenizer | None,
    options: DryRunOptions,
    *,
    as_json: bool,
    checked: bool = False,
) -> None:
    """Print what is still to be sent for ``record``, given what is in ``out`` already. Sends and writes nothing.

    ``checked``: each side has been asked for one token before.
    """
    provider, reference = _estimates(prompts, out, record, tokenizer, options)
    figures: dict[str, Any] = {"provider": dataclasses.asdict(provider)}
    if reference is not None:
        figures["reference"] = dataclasses.asdict(reference)
        figures["repair"] = {"requests": _repair_requests(prompts, out, record)}
    typer.echo(
        json.dumps(figures, indent=2) if as_json else _text(figures, _why_unpriced(provider, options), checked=checked)
    )


def _estimates(
    prompts: Sequence[Conversation], out: Path, record: Audit, tokenizer: Tokenizer | None, options: DryRunOptions
) -> tuple[Estimate, Estimate | None]:
    """What the provider is still to be sent, and the reference, if the record names one."""
    from token_difr.answers import estimate
    from token_difr.run.preflight import outstanding
    from token_difr.sequences import render

    missing = outstanding(out, record, prompts)
    lengths = None
    if tokenizer is not None:
        variables = record.asking.chat_template_kwargs
        lengths = [len(render(conversation, tokenizer, variables)) for conversation in prompts]

    def tokens(indexes: Sequence[int]) -> int | None:
        return None if lengths is None else sum(lengths[index] for index in indexes)

    max_tokens = 0 if record.asked is None else record.asked.max_tokens
    provider = estimate(
        len(missing.answers),
        max_tokens=max_tokens,
        prompt_tokens=tokens(missing.answers),
        price_input=options.price_input,
        price_output=options.price_output,
    )
    if record.judged is None:
        return provider, None
    requests, prompt_tokens = len(missing.rows), tokens(missing.rows)
    # The reference reads prompt and answer, and writes one token that nobody looks at.
    most = None if prompt_tokens is None else prompt_tokens + requests * max_tokens
    return provider, estimate(requests, max_tokens=1, prompt_tokens=most)


def _repair_requests(prompts: Sequence[Conversation], out: Path, record: Audit) -> int:
    """The most that the reference may still be asked to find how answers that come as text were cut."""
    from token_difr.run import RunDirectory, is_run_directory
    from token_difr.run.repair_limit import most_repair_requests
    from token_difr.segmentation import is_repairable

    whole = record.about(prompts)
    most = most_repair_requests(whole)
    if not is_run_directory(out):
        return most
    with RunDirectory.read(out, whole) as run:
        sequences = run.sequences()
        if len(sequences) == len(prompts) and not any(map(is_repairable, sequences.values())):
            return 0
        return max(most - len(run.asked_cuts()), 0)


def _why_unpriced(figures: Estimate, options: DryRunOptions) -> str | None:
    """What the cost lacks, if a price was given and it is unknown nevertheless."""
    prices = (options.price_input, options.price_output)
    if figures.max_cost is not None or prices == (None, None):
        return None
    if None in prices:
        return "it takes --price-input and --price-output"
    return "without a tokenizer the prompt tokens are not counted; audit --dry-run counts them"


def _text(figures: dict[str, Any], unpriced: str | None, *, checked: bool) -> str:
    sent = "each side has given one token, and nothing else was sent" if checked else "nothing has been sent"
    lines = [f"{sent}; still to be sent:"]
    repairs = figures.pop("repair", {"requests": 0})["requests"]
    for side, values in figures.items():
        prompt_tokens = values["prompt_tokens"]
        most = "at most " if side == "reference" else ""
        known = "an unknown number of" if prompt_tokens is None else f"{most}{prompt_tokens:,}"
        lines.append(
            f"{side}: {values['requests']:,} requests, {known} prompt tokens, at most "
            f"{values['max_output_tokens']:,} output tokens"
        )
        if values["max_cost"] is not None:
            lines.append(f"{side}: costs at most {values['max_cost']:,.4f}")
        elif side == "provider" and unpriced:
            lines.append(f"{side}: cost unknown: {unpriced}")
    if repairs:
        lines.append(f"reference: up to {repairs:,} more requests for repair, where answers come as text")
    return "\n".join(lines)
