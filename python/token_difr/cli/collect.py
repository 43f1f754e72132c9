"""``token-difr collect``: the first stage alone."""

from __future__ import annotations

import asyncio

from token_difr.cli import options
from token_difr.cli.dry_run import show_dry_run
from token_difr.cli.show import interrupted_note, note
from token_difr.endpoint import public_url
from token_difr.endpoint.client import MAX_RETRIES, TIMEOUT_SECONDS
from token_difr.services import open_client

__all__ = ["command"]


def command(
    *,
    provider: options.Provider,
    model: options.Model,
    prompts: options.Prompts,
    out: options.Out,
    provider_key_env: options.ProviderKeyEnv = None,
    provider_service: options.ProviderService = None,
    provider_only: options.ProviderOnly = None,
    provider_logprobs: options.ProviderLogprobs = False,
    provider_header: options.Headers = None,
    chat_template_kwargs: options.ChatTemplateKwargs = None,
    temperature: options.Temperature = 0.0,
    top_k: options.TopK = 0,
    top_p: options.TopP = 1.0,
    min_p: options.MinP = 0.0,
    seed: options.Seed = None,
    seeds: options.Seeds = None,
    max_tokens: options.MaxTokens = 200,
    ask_token_ids: options.AskTokenIds = None,
    concurrency: options.Concurrency = 8,
    max_retries: options.MaxRetries = MAX_RETRIES,
    timeout: options.Timeout = TIMEOUT_SECONDS,
    dry_run: options.DryRun = False,
    price_input: options.PriceInput = None,
    price_output: options.PriceOutput = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Ask a provider for answers. The same command again asks for those that DIR lacks."""
    from token_difr.answers import asks_token_ids, read_prompts
    from token_difr.records import AuditIdentity
    from token_difr.run import RunDirectory
    from token_difr.run.stages import collect_run

    params = options.sampling_params(
        temperature=temperature, top_k=top_k, top_p=top_p, min_p=min_p, seed=seed, seeds=seeds, prompts=prompts
    )
    identity = AuditIdentity(
        provider=public_url(provider),
        model=model,
        params=params,
        max_tokens=max_tokens,
        token_ids=asks_token_ids(provider, params, ask_token_ids),
        provider_service=provider_service,
        provider_only=provider_only,
        provider_logprobs=provider_logprobs or None,
        chat_template_kwargs=options.template_variables(chat_template_kwargs),
    )
    if dry_run:
        show_dry_run(prompts, out, identity, price_input=price_input, price_output=price_output, as_json=as_json)
        return
    conversations = read_prompts(prompts)

    opened = open_client(
        provider,
        key_variable=provider_key_env,
        max_retries=max_retries,
        timeout_seconds=timeout,
        headers=options.asked_headers(provider_header),
    )

    async def work() -> None:
        async with opened as client:
            with RunDirectory.create(out, conversations, identity) as run:
                await collect_run(run, client, concurrency=concurrency, progress=not quiet)

    try:
        asyncio.run(work())
    except KeyboardInterrupt:
        interrupted_note(out)
        raise
    note(f"{len(conversations)} answers are in {out}", quiet=quiet)
