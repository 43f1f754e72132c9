"""``verify_outputs_fireworks``, ``verify_outputs_tinker`` and ``verify_outputs_api``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from token_difr.compat.awaited_client import awaited
from token_difr.compat.old_reference import OldReference
from token_difr.compat.recut import recut_metrics
from token_difr.compat.scoring import OldParams
from token_difr.endpoint import run_blocking
from token_difr.errors import InputError
from token_difr.records import GREEDY_TEMPERATURE, TokenMetrics, TokenSequence, TopKBatch
from token_difr.sampler import Sampler
from token_difr.scores import compute_metrics_summary
from token_difr.sequences import Tokenizer

if TYPE_CHECKING:
    from openai import AsyncOpenAI, OpenAI
__all__ = ["verify_outputs_api", "verify_outputs_fireworks", "verify_outputs_tinker"]

CONCURRENCY = 10


async def verify_outputs_fireworks(
    outputs: Sequence[TokenSequence],
    vocab_size: int,  # noqa: ARG001  # the tokenizer's length: neither the rows nor a random stream have that width
    *,
    temperature: float,
    top_k: int,
    top_p: float,
    seed: int,
    client: AsyncOpenAI,
    model: str,
    topk_logprobs: int = 20,
    verbose: bool = True,
    concurrency: int = CONCURRENCY,
    sampler: Sampler | str | None = None,
    logits_width: int | None = None,
) -> list[list[TokenMetrics]]:
    """Score output tokens against Fireworks, or a server that speaks like it.

    Args:
        outputs: Prompts and outputs as token ids.
        vocab_size: Not used; kept for old callers.
        temperature: Temperature that the outputs were sampled at. Above 0 they are scored against the arg-max, with a
            ``UserWarning``, unless ``sampler`` is given.
        top_k: Filter of that sampling; acts with a sampler only, as do the next two.
        top_p: Filter of that sampling.
        seed: Seed of that sampling.
        client: A client of the server.
        model: The model's name there.
        topk_logprobs: Entries a row. Fireworks gives at most 5: the default means that many, more is lowered with a
            warning.
        verbose: Show progress on standard error and a summary on standard output.
        concurrency: Requests in flight.
        sampler: How the provider's engine draws its noise: a ``token_difr.Sampler`` or its name.
        logits_width: Number of the model's logits (its config's ``vocab_size``), for samplers that need it.

    Returns:
        One list a sequence, one entry an output token.

    Raises:
        InputError: Parameters out of range.
        EndpointError: The server failed; a ``RowCountError``, also a ``ValueError``, where it gave too few rows.
    """
    params = OldParams(temperature=temperature, top_k=top_k, top_p=top_p, seed=seed, sampler=sampler)
    params.warn_if_ignored()
    reference = OldReference.fireworks(client, model, topk_logprobs)
    batch = await reference.topk(outputs, concurrency=concurrency, progress=verbose)
    return params.score(batch, logits_width=logits_width, verbose=verbose)


def verify_outputs_tinker(
    outputs: Sequence[TokenSequence],
    vocab_size: int,  # noqa: ARG001  # see above
    *,
    temperature: float,
    top_k: int,
    top_p: float,
    seed: int,
    sampling_client: Any,
    topk_logprobs: int = 20,
    verbose: bool = True,
    sampler: Sampler | str | None = None,
    logits_width: int | None = None,
) -> list[list[TokenMetrics]]:
    """Score output tokens against Tinker; works inside a running event loop too.

    Args:
        outputs: Prompts and outputs as token ids.
        vocab_size: Not used; kept for old callers.
        temperature: See :func:`verify_outputs_fireworks`, as for all that is not here.
        top_k: See there.
        top_p: See there.
        seed: See there.
        sampling_client: A sampling client of the Tinker SDK.
        topk_logprobs: Entries a row.
        verbose: Show progress on standard error and a summary on standard output.
        sampler: See there.
        logits_width: See there.

    Raises:
        InputError: Parameters out of range.
        EndpointError: See :func:`verify_outputs_fireworks`.
    """
    params = OldParams(temperature=temperature, top_k=top_k, top_p=top_p, seed=seed, sampler=sampler)
    params.warn_if_ignored()
    reference = OldReference.tinker(sampling_client, topk_logprobs)
    batch = run_blocking(lambda: reference.topk(outputs, concurrency=CONCURRENCY, progress=verbose))
    return params.score(batch, logits_width=logits_width, verbose=verbose)


def verify_outputs_api(
    outputs: Sequence[TokenSequence],
    backend: Literal["tinker", "fireworks"],
    vocab_size: int,  # noqa: ARG001  # see above
    *,
    temperature: float,
    top_k: int,
    top_p: float,
    seed: int,
    sampling_client: Any = None,
    client: OpenAI | None = None,
    model: str | None = None,
    tokenizer: Any = None,
    topk_logprobs: int = 20,
    verbose: bool = True,
    sampler: Sampler | str | None = None,
    logits_width: int | None = None,
) -> list[list[TokenMetrics]]:
    """Score output tokens against Fireworks or Tinker; works inside a running event loop too.

    Args:
        outputs: Prompts and outputs as token ids.
        backend: Whom to ask.
        vocab_size: Not used; kept for old callers.
        temperature: See :func:`verify_outputs_fireworks`, as for all that is not here.
        top_k: See there.
        top_p: See there.
        seed: See there.
        sampling_client: A sampling client of the Tinker SDK, for "tinker".
        client: A synchronous client of the server, for "fireworks"; its requests go out in threads.
        model: The model's name there, for "fireworks".
        tokenizer: The model's tokenizer, for "fireworks". It is used where the server refuses token ids and takes text,
            and at temperature 0 for outputs that were made from text, which it may have cut otherwise than the model did:
            see :mod:`token_difr.compat.recut`.
        topk_logprobs: Entries a row.
        verbose: Show progress on standard error and a summary on standard output.
        sampler: See there.
        logits_width: See there.

    Raises:
        InputError: Something that the backend needs is missing, or parameters are out of range.
        EndpointError: See :func:`verify_outputs_fireworks`.
    """
    params = OldParams(temperature=temperature, top_k=top_k, top_p=top_p, seed=seed, sampler=sampler)
    reference = _reference(backend, sampling_client, client, model, tokenizer, topk_logprobs)
    params.warn_if_ignored()
    # Stand-ins of scripts have less than a tokenizer of transformers: they are not asked for other cuts.
    if backend == "fireworks" and temperature < GREEDY_TEMPERATURE and hasattr(tokenizer, "all_special_ids"):
        metrics = run_blocking(lambda: _recut(reference, outputs, tokenizer, params, progress=verbose))
        if verbose:
            compute_metrics_summary(metrics, verbose=True)
        return metrics
    batch = run_blocking(lambda: reference.topk(outputs, concurrency=CONCURRENCY, progress=verbose))
    return params.score(batch, logits_width=logits_width, verbose=verbose)


async def _recut(
    reference: OldReference,
    outputs: Sequence[TokenSequence],
    tokenizer: Tokenizer,
    params: OldParams,
    *,
    progress: bool,
) -> list[list[TokenMetrics]]:
    rows: dict[int, TopKBatch] = {}
    batch = await reference.topk(outputs, concurrency=CONCURRENCY, keep=rows.__setitem__, progress=progress)
    metrics = params.score(batch, verbose=False)
    if not reference.reads_ids:  # it cannot tell two cuts of a text apart
        return metrics
    better = await recut_metrics(outputs, rows, reference, tokenizer, concurrency=CONCURRENCY)
    return [better.get(index, each) for index, each in enumerate(metrics)]


def _reference(  # noqa: PLR0917  # as its only caller has them
    backend: str, sampling_client: Any, client: OpenAI | None, model: str | None, tokenizer: Any, topk_logprobs: int
) -> OldReference:
    if backend == "tinker":
        if sampling_client is None:
            raise InputError("sampling_client is required for tinker backend")
        return OldReference.tinker(sampling_client, topk_logprobs)
    if backend == "fireworks":
        if client is None or model is None or tokenizer is None:
            raise InputError("client, model, and tokenizer are required for fireworks backend")
        return OldReference.fireworks(awaited(client), model, topk_logprobs, tokenizer)
    raise InputError(f"Unknown backend: {backend}")
