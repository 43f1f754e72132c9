"""``token-difr reference``: the third stage alone."""

from __future__ import annotations

import asyncio

from token_difr.cli import options
from token_difr.cli.show import interrupted_note, local_tokenizer, note
from token_difr.endpoint import public_url
from token_difr.endpoint.client import MAX_RETRIES
from token_difr.services import open_client

__all__ = ["command"]


def command(
    run: options.Run,
    *,
    reference: options.Reference,
    reference_model: options.ReferenceModel = None,
    reference_dialect: options.ReferenceDialect = "vllm",
    reference_key_env: options.ReferenceKeyEnv = None,
    topk_logprobs: options.TopkLogprobs = 20,
    concurrency: options.Concurrency = 8,
    max_retries: options.MaxRetries = MAX_RETRIES,
    quiet: options.Quiet = False,
) -> None:
    """Ask a reference for the logprobs of a run's tokens. The same command again asks for those that RUN lacks."""
    from token_difr.records import AuditIdentity
    from token_difr.reference import DIALECTS, open_reference
    from token_difr.run import RunDirectory
    from token_difr.run.stages import reference_run

    with RunDirectory.read(run) as stored:
        model = reference_model or stored.identity.model or ""
        spoken = DIALECTS.get(reference_dialect)  # one that there is not is refused by open_reference
        tokenizer = local_tokenizer(stored) if spoken is not None and spoken.needs_tokenizer else None
    identity = AuditIdentity(
        reference=public_url(reference),
        reference_model=model,
        reference_dialect=reference_dialect,
        topk_logprobs=topk_logprobs,
    )

    async def work() -> None:
        async with open_client(reference, key_variable=reference_key_env, max_retries=max_retries) as client:
            judge = open_reference(reference_dialect, client, model, topk_logprobs=topk_logprobs, tokenizer=tokenizer)
            with RunDirectory.resume(run, identity) as directory:
                await reference_run(directory, judge, concurrency=concurrency, progress=not quiet)

    try:
        asyncio.run(work())
    except KeyboardInterrupt:
        interrupted_note(run)
        raise
    note(f"the reference's rows are in {run}", quiet=quiet)
