"""``token-difr probe``: what an endpoint does with temperatures and seeds."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from token_difr.cli import options
from token_difr.cli.show import show
from token_difr.endpoint.client import MAX_RETRIES

if TYPE_CHECKING:
    from token_difr.probes import Probe

__all__ = ["command"]


class _Sides(NamedTuple):
    """Who is asked, and who is trusted."""

    provider: str
    reference: str
    reference_model: str
    reference_dialect: str
    topk_logprobs: int
    key_variables: tuple[str | None, str | None]
    max_retries: int


def command(
    *,
    provider: options.Provider,
    model: options.Model,
    reference: options.Reference,
    provider_key_env: options.ProviderKeyEnv = None,
    reference_model: options.ReferenceModel = None,
    reference_dialect: options.ReferenceDialect = "vllm",
    reference_key_env: options.ReferenceKeyEnv = None,
    tokenizer: options.TokenizerName = None,
    prompts: Annotated[
        Path | None, typer.Option("--prompts", metavar="FILE", help="What to ask.  [default: twelve open questions]")
    ] = None,
    sampler: Annotated[
        list[str] | None,
        typer.Option("--sampler", metavar="ENGINE@VERSION", help="Try this one beside all known; may be repeated."),
    ] = None,
    vocab_size: options.VocabSize = None,
    temperature: options.Temperature = 1.0,
    top_k: options.TopK = 0,
    top_p: options.TopP = 1.0,
    max_tokens: options.MaxTokens = 48,
    ask_token_ids: options.AskTokenIds = None,
    topk_logprobs: options.TopkLogprobs = 20,
    seed: Annotated[int, typer.Option("--seed", help="Chooses the seeds that are sent.")] = 0,
    concurrency: options.Concurrency = 8,
    max_retries: options.MaxRetries = MAX_RETRIES,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Find out whether an endpoint is deterministic, whether it honors seeds, and whose sampler gives its tokens.

    Asks each question five times. Without --vocab-size, samplers whose noise depends on it are left out.
    """
    import json

    from token_difr.answers import read_prompts
    from token_difr.probes.table import probe_tables, probe_to_json
    from token_difr.records import SamplingParams
    from token_difr.sampler import Sampler

    keys = (provider_key_env, reference_key_env)
    sides = _Sides(provider, reference, reference_model or model, reference_dialect, topk_logprobs, keys, max_retries)
    how = {
        "model": model,
        "tokenizer": tokenizer,
        "prompts": None if prompts is None else read_prompts(prompts),
        "params": SamplingParams(temperature=temperature, top_k=top_k, top_p=top_p),
        "max_tokens": max_tokens,
        "token_ids": ask_token_ids,
        "vocab_size": vocab_size,
        "samplers": (*Sampler.known(), *map(Sampler.parse, sampler or ())),
        "seed": seed,
        "concurrency": concurrency,
        "progress": not quiet,
    }
    found = asyncio.run(_probed(sides, how))
    if as_json:
        typer.echo(json.dumps(probe_to_json(found), indent=2, allow_nan=False))
    else:
        show(probe_tables(found))


async def _probed(sides: _Sides, how: dict[str, Any]) -> Probe:
    from token_difr.probes import aprobe
    from token_difr.reference import open_reference
    from token_difr.services import open_client

    retries, (provider_key, reference_key) = sides.max_retries, sides.key_variables
    async with (
        open_client(sides.provider, key_variable=provider_key, max_retries=retries) as client,
        open_client(sides.reference, key_variable=reference_key, max_retries=retries) as judge,
    ):
        reference = open_reference(
            sides.reference_dialect, judge, sides.reference_model, topk_logprobs=sides.topk_logprobs
        )
        return await aprobe(provider=client, reference=reference, **how)
