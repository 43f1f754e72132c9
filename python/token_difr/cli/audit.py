"""``token-difr audit``: all stages in one run."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from token_difr.cli import options
from token_difr.cli.dry_run import show_dry_run
from token_difr.cli.show import interrupted_note, note, show_run
from token_difr.endpoint import public_url
from token_difr.endpoint.client import MAX_RETRIES

if TYPE_CHECKING:
    from token_difr.audit import AuditRun
    from token_difr.run_directory import AuditIdentity

__all__ = ["command"]


class _Setup(NamedTuple):
    """What an audit needs beside its identity."""

    prompts: Path
    out: Path
    provider: str
    reference: str
    key_variables: tuple[str | None, str | None]
    baseline: Path | None
    concurrency: int
    max_retries: int
    progress: bool


def command(
    *,
    provider: options.Provider,
    model: options.Model,
    reference: options.Reference,
    prompts: options.Prompts,
    out: options.Out,
    provider_key_env: options.ProviderKeyEnv = None,
    reference_model: options.ReferenceModel = None,
    reference_dialect: options.ReferenceDialect = "vllm",
    reference_key_env: options.ReferenceKeyEnv = None,
    tokenizer: options.TokenizerName = None,
    baseline: options.Baseline = None,
    temperature: options.Temperature = 0.0,
    top_k: options.TopK = 0,
    top_p: options.TopP = 1.0,
    min_p: options.MinP = 0.0,
    seed: options.Seed = None,
    seeds: options.Seeds = None,
    max_tokens: options.MaxTokens = 200,
    ask_token_ids: options.AskTokenIds = None,
    topk_logprobs: options.TopkLogprobs = 20,
    sampler: options.Sampler = None,
    vocab_size: options.VocabSize = None,
    concurrency: options.Concurrency = 8,
    max_retries: options.MaxRetries = MAX_RETRIES,
    dry_run: options.DryRun = False,
    price_input: options.PriceInput = None,
    price_output: options.PriceOutput = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Audit a provider against a reference. The same command again goes on where DIR stopped."""
    from token_difr.collect import asks_token_ids
    from token_difr.run_directory import AuditIdentity, RunDirectory
    from token_difr.sampler import Sampler
    from token_difr.stages import check_replayable

    params = options.sampling_params(
        temperature=temperature, top_k=top_k, top_p=top_p, min_p=min_p, seed=seed, seeds=seeds, prompts=prompts
    )
    identity = AuditIdentity(
        provider=public_url(provider),
        model=model,
        params=params,
        max_tokens=max_tokens,
        token_ids=asks_token_ids(provider, params, ask_token_ids),
        tokenizer=tokenizer or model,
        reference=public_url(reference),
        reference_model=reference_model or model,
        reference_dialect=reference_dialect,
        topk_logprobs=topk_logprobs,
        sampler=sampler,
        vocab_size=vocab_size,
    )
    check_replayable(params, Sampler.parse(sampler) if sampler else None, vocab_size)
    if dry_run:
        show_dry_run(prompts, out, identity, price_input=price_input, price_output=price_output, as_json=as_json)
        return
    keys = (provider_key_env, reference_key_env)
    setup = _Setup(prompts, out, provider, reference, keys, baseline, concurrency, max_retries, progress=not quiet)
    try:
        run = asyncio.run(_audit(setup, identity))
    except KeyboardInterrupt:
        interrupted_note(out)
        raise
    note(f"the run is kept in {out}", quiet=quiet)
    with RunDirectory.read(out) as directory:
        raise show_run(directory, run.decision, as_json=as_json)


async def _audit(setup: _Setup, identity: AuditIdentity) -> AuditRun:
    from token_difr.audit import aaudit
    from token_difr.collect import read_prompts
    from token_difr.endpoint import open_client
    from token_difr.reference import open_reference

    conversations = read_prompts(setup.prompts)
    retries, (provider_key, reference_key) = setup.max_retries, setup.key_variables
    async with (
        open_client(setup.provider, key_variable=provider_key, max_retries=retries) as provider,
        open_client(setup.reference, key_variable=reference_key, max_retries=retries) as judge,
    ):
        return await aaudit(
            conversations,
            provider=provider,
            model=identity.model or "",
            reference=open_reference(
                identity.reference_dialect or "",
                judge,
                identity.reference_model or "",
                topk_logprobs=identity.topk_logprobs or 0,
            ),
            out=setup.out,
            tokenizer=identity.tokenizer,
            params=identity.params,
            max_tokens=identity.max_tokens or 0,
            token_ids=identity.token_ids,
            sampler=identity.sampler,
            vocab_size=identity.vocab_size,
            baseline=setup.baseline,
            concurrency=setup.concurrency,
            progress=setup.progress,
        )
