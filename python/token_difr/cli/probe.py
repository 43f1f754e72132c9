"""``token-difr probe``: what an endpoint does with temperatures and seeds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from token_difr.cli import options
from token_difr.cli.grouped import grouped
from token_difr.cli.groups import EndpointOptions
from token_difr.cli.judges import ReferenceOptions
from token_difr.cli.manner import PaceOptions
from token_difr.cli.show import show
from token_difr.interrupts import run_work

if TYPE_CHECKING:
    from token_difr.probes import Probe

__all__ = ["command"]


@dataclass(frozen=True, kw_only=True)
class AskedOptions(EndpointOptions):
    """Whom to ask what; the fields but the key's are arguments of :func:`~token_difr.aprobe`, or become one."""

    tokenizer: options.TokenizerName = None
    prompts: Annotated[
        Path | None, typer.Option("--prompts", metavar="FILE", help="What to ask.  [default: twelve open questions]")
    ] = None
    sampler: Annotated[
        list[str] | None,
        typer.Option("--sampler", metavar="ENGINE@VERSION", help="Try this one beside all known; may be repeated."),
    ] = None
    vocab_size: options.VocabSize = None
    temperature: options.Temperature = 1.0
    top_k: options.TopK = 0
    top_p: options.TopP = 1.0
    min_p: options.MinP = 0.0
    max_tokens: options.MaxTokens = 48
    ask_token_ids: options.AskTokenIds = None
    seed: Annotated[int, typer.Option("--seed", help="Chooses the seeds that are sent.")] = 0

    def arguments(self) -> dict[str, Any]:
        """What the probe is told, beside the two sides.

        Raises:
            PromptError: A file without prompts that can be sent.
            InputError: A sampling parameter out of range, an unknown sampler, or a tokenizer that cannot be loaded.
        """
        from token_difr.answers import read_prompts
        from token_difr.records import SamplingParams
        from token_difr.sampler import Sampler
        from token_difr.sequences import load_tokenizer

        return {
            "model": self.model,
            "tokenizer": load_tokenizer(self.tokenizer or self.model),
            "service": self.provider_service,
            "prompts": None if self.prompts is None else read_prompts(self.prompts),
            "params": SamplingParams(
                temperature=self.temperature, top_k=self.top_k, top_p=self.top_p, min_p=self.min_p
            ),
            "max_tokens": self.max_tokens,
            "token_ids": self.ask_token_ids,
            "vocab_size": self.vocab_size,
            "samplers": (*Sampler.known(), *map(Sampler.parse, self.sampler or ())),
            "seed": self.seed,
        }


@grouped
def command(
    *, asked: AskedOptions, reference: ReferenceOptions, pace: PaceOptions, as_json: options.Json = False
) -> None:
    """Find out whether an endpoint is deterministic, whether it honors seeds, and whose sampler gives its tokens.

    Asks each question five times. Without --vocab-size, samplers whose noise depends on it are left out.
    """
    import json

    from token_difr.probes.table import probe_tables, probe_to_json

    arguments = asked.arguments() | {"concurrency": pace.concurrency, "progress": not pace.quiet}
    judged = reference.judged(asked.model)

    async def work() -> Probe:
        from token_difr.probes import aprobe

        async with asked.opened(pace) as client, reference.opened(pace, judged) as judge:
            return await aprobe(provider=client, reference=judge, **arguments)

    found = run_work(work)
    if as_json:
        typer.echo(json.dumps(probe_to_json(found), indent=2, allow_nan=False))
    else:
        show(probe_tables(found))
