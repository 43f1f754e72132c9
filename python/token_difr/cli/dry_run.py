"""``--dry-run``: what a run would send and cost."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from token_difr.answers import Estimate
    from token_difr.records import AuditIdentity

__all__ = ["show_dry_run"]


def show_dry_run(
    prompts: Path,
    out: Path,
    identity: AuditIdentity,
    *,
    price_input: float | None,
    price_output: float | None,
    as_json: bool,
) -> None:
    """Print what is still to be sent for ``identity``, given what is in ``out`` already. Sends and writes nothing."""
    from token_difr.answers import estimate, read_prompts
    from token_difr.run import RunDirectory
    from token_difr.sequences import load_tokenizer, render

    conversations = read_prompts(prompts)
    asked: set[int] = set()
    judged: set[int] = set()
    if (out / "run.json").exists():
        with RunDirectory.read(out, identity.with_prompts(conversations)) as run:
            asked, judged = set(run.responses()), set(run.rows())
    max_tokens = identity.max_tokens or 0
    lengths = None
    if identity.tokenizer is not None:
        tokenizer = load_tokenizer(identity.tokenizer)
        variables = identity.chat_template_kwargs
        lengths = [len(render(conversation, tokenizer, variables)) for conversation in conversations]

    def tokens(done: set[int]) -> int | None:
        return None if lengths is None else sum(n for index, n in enumerate(lengths) if index not in done)

    provider = estimate(
        len(conversations) - len(asked),
        max_tokens=max_tokens,
        prompt_tokens=tokens(asked),
        price_input=price_input,
        price_output=price_output,
    )
    figures: dict[str, Any] = {"provider": dataclasses.asdict(provider)}
    if identity.reference is not None:
        requests, prompt_tokens = len(conversations) - len(judged), tokens(judged)
        # The reference reads prompt and answer, and writes one token that nobody looks at.
        most = None if prompt_tokens is None else prompt_tokens + requests * max_tokens
        figures["reference"] = dataclasses.asdict(estimate(requests, max_tokens=1, prompt_tokens=most))
    unpriced = _why_unpriced(provider, price_input=price_input, price_output=price_output)
    typer.echo(json.dumps(figures, indent=2) if as_json else _text(figures, unpriced))


def _why_unpriced(figures: Estimate, *, price_input: float | None, price_output: float | None) -> str | None:
    """What the cost lacks, if a price was given and it is unknown nevertheless."""
    if figures.max_cost is not None or (price_input is None and price_output is None):
        return None
    if price_input is None or price_output is None:
        return "it takes --price-input and --price-output"
    return "without a tokenizer the prompt tokens are not counted; audit --dry-run counts them"


def _text(figures: dict[str, Any], unpriced: str | None) -> str:
    lines = ["nothing has been sent; still to be sent:"]
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
    return "\n".join(lines)
