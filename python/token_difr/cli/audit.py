"""``token-difr audit``: all stages in one run."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from token_difr.cli import options
from token_difr.cli.dry_run import show_dry_run
from token_difr.cli.show import interrupted_note, note, show_run
from token_difr.endpoint import public_url
from token_difr.endpoint.client import MAX_RETRIES, TIMEOUT_SECONDS

if TYPE_CHECKING:
    from token_difr.records import AuditIdentity
    from token_difr.run.audit import AuditRun

__all__ = ["command"]


class _Setup(NamedTuple):
    """What an audit needs beside its identity."""

    prompts: Path
    out: Path
    provider: str
    reference: str
    key_variables: tuple[str | None, str | None]
    headers: Mapping[str, str]
    baseline: Path | None
    concurrency: int
    max_retries: int
    timeout: float
    progress: bool


def command(
    *,
    provider: options.Provider,
    model: options.Model,
    reference: options.Reference,
    prompts: options.Prompts,
    out: options.Out,
    provider_key_env: options.ProviderKeyEnv = None,
    provider_service: options.ProviderService = None,
    provider_only: options.ProviderOnly = None,
    provider_logprobs: options.ProviderLogprobs = False,
    provider_header: options.Headers = None,
    chat_template_kwargs: options.ChatTemplateKwargs = None,
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
    timeout: options.Timeout = TIMEOUT_SECONDS,
    dry_run: options.DryRun = False,
    price_input: options.PriceInput = None,
    price_output: options.PriceOutput = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Audit a provider against a reference. The same command again goes on where DIR stopped."""
    from token_difr.answers import asks_token_ids
    from token_difr.records import AuditIdentity

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
        provider_logprobs=provider_logprobs,
        chat_template_kwargs=options.template_variables(chat_template_kwargs),
        tokenizer=tokenizer or model,
        reference=public_url(reference),
        reference_model=reference_model or model,
        reference_dialect=reference_dialect,
        topk_logprobs=topk_logprobs,
        sampler=sampler,
        vocab_size=vocab_size,
    )
    setup = _Setup(
        prompts=prompts,
        out=out,
        provider=provider,
        reference=reference,
        key_variables=(provider_key_env, reference_key_env),
        headers=options.asked_headers(provider_header),
        baseline=baseline,
        concurrency=concurrency,
        max_retries=max_retries,
        timeout=timeout,
        progress=not quiet,
    )
    _check(identity)
    if dry_run:
        show_dry_run(prompts, out, identity, price_input=price_input, price_output=price_output, as_json=as_json)
        return
    _run(setup, identity, as_json=as_json)


def _check(identity: AuditIdentity) -> None:
    """Refuse at once what could not be scored afterwards."""
    from token_difr.records import SamplingParams
    from token_difr.run.stages import check_replayable
    from token_difr.sampler import Sampler

    sampler = Sampler.parse(identity.sampler) if identity.sampler else None
    check_replayable(identity.params or SamplingParams(), sampler, identity.vocab_size)


def _run(setup: _Setup, identity: AuditIdentity, *, as_json: bool) -> None:
    """The audit, and its report; leaves with the exit code of the verdict."""
    from token_difr.run import RunDirectory

    try:
        run = asyncio.run(_audit(setup, identity))
    except KeyboardInterrupt:
        interrupted_note(setup.out)
        raise
    note(f"the run is kept in {setup.out}", quiet=not setup.progress)
    with RunDirectory.read(setup.out) as directory:
        raise show_run(directory, run.decision, run.findings, as_json=as_json)


async def _audit(setup: _Setup, identity: AuditIdentity) -> AuditRun:
    from token_difr.answers import read_prompts
    from token_difr.reference import open_reference
    from token_difr.run.audit import aaudit
    from token_difr.sequences import load_tokenizer
    from token_difr.services import open_client

    conversations = read_prompts(setup.prompts)
    provider_key, reference_key = setup.key_variables
    opened = partial(open_client, max_retries=setup.max_retries, timeout_seconds=setup.timeout)
    async with (
        opened(setup.provider, key_variable=provider_key, headers=setup.headers) as provider,
        opened(setup.reference, key_variable=reference_key) as judge,
    ):
        tokenizer = load_tokenizer(identity.tokenizer or "")
        return await aaudit(
            conversations,
            provider=provider,
            model=identity.model or "",
            reference=open_reference(
                identity.reference_dialect or "",
                judge,
                identity.reference_model or "",
                topk_logprobs=identity.topk_logprobs or 0,
                tokenizer=tokenizer,
            ),
            out=setup.out,
            tokenizer=identity.tokenizer,
            params=identity.params,
            max_tokens=identity.max_tokens or 0,
            token_ids=identity.token_ids,
            provider_service=identity.provider_service,
            provider_only=identity.provider_only,
            provider_logprobs=bool(identity.provider_logprobs),
            chat_template_kwargs=identity.chat_template_kwargs,
            sampler=identity.sampler,
            vocab_size=identity.vocab_size,
            baseline=setup.baseline,
            concurrency=setup.concurrency,
            progress=setup.progress,
        )
