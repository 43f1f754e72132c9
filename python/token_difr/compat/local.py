"""``verify_outputs``: output tokens against a model on this machine."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from typing import Any

from token_difr.compat.sampling_method import SamplingMethod
from token_difr.compat.scoring import OldParams
from token_difr.endpoint import run_blocking
from token_difr.errors import InputError
from token_difr.records import GREEDY_TEMPERATURE, TokenMetrics, TokenSequence
from token_difr.reference import LocalReference, Reference, VllmEngineReference
from token_difr.sampler import Sampler

__all__ = ["verify_outputs"]

TOPK_LOGPROBS = 20
"""Entries a row where ``top_k`` is off."""


def verify_outputs(
    outputs: Sequence[TokenSequence],
    model_name: str,
    *,
    temperature: float,
    top_k: int,
    top_p: float,
    seed: int,
    max_model_len: int | None = None,
    dtype: Any = "bfloat16",
    vllm_kwargs: Mapping[str, Any] | None = None,
    sampling_method: SamplingMethod = SamplingMethod.VLLM_GUMBEL_MAX,
    gpu_memory_utilization: float = 0.7,
    verbose: bool = True,
    sampler: Sampler | str | None = None,
) -> list[list[TokenMetrics]]:
    """Score output tokens against a model in this process: on vLLM if that is installed, else on torch.

    Args:
        outputs: Prompts and outputs as token ids.
        model_name: The model's folder, or its name on the Hugging Face hub.
        temperature: Temperature that the outputs were sampled at; above 0 the sampler's noise is replayed.
        top_k: Filter of that sampling, and the number of entries a row (20 if it is off).
        top_p: Filter of that sampling.
        seed: Seed of that sampling.
        max_model_len: Longest sequence that vLLM makes room for; None = twice the longest of ``outputs``.
        dtype: What the model computes in: a name such as "bfloat16", or a ``torch.dtype``.
        vllm_kwargs: More arguments of vLLM's ``LLM``.
        sampling_method: ``VLLM_GUMBEL_MAX``, a torch generator a sequence, on this machine's GPU if it has one, as in
            0.1; nothing else can be replayed.
        gpu_memory_utilization: Share of the GPU's memory that vLLM takes.
        verbose: Show progress on standard error and a summary on standard output.
        sampler: How the provider's engine draws its noise: a ``token_difr.Sampler`` or its name; None = as
            ``sampling_method`` says.

    Raises:
        SamplerError: A GPU whose stream is not known; ``sampler`` can name another one.
        InputError: A sampling method that cannot be replayed, parameters out of range, arguments for vLLM without it,
            or a model that cannot be loaded.
        ImportError: Neither vLLM nor torch is installed.
    """
    _check_replayable(sampling_method)
    if sampler is None and temperature >= GREEDY_TEMPERATURE:
        sampler = sampling_method.sampler(gpu=_gpu())
    params = OldParams(temperature=temperature, top_k=top_k, top_p=top_p, seed=seed, sampler=sampler)
    if not any(len(sequence.output_token_ids) for sequence in outputs):
        return [[] for _ in outputs]
    longest = max(len(each.prompt_token_ids) + len(each.output_token_ids) for each in outputs)
    room = 2 * longest if max_model_len is None else max_model_len
    settings = {"gpu_memory_utilization": gpu_memory_utilization, "max_model_len": room}
    reference = _reference(model_name, top_k if top_k > 0 else TOPK_LOGPROBS, dtype, settings, vllm_kwargs)
    batch = run_blocking(lambda: reference.topk(outputs, progress=verbose))
    width = _logits_width(model_name) if params.replays else None
    return params.score(batch, logits_width=width, rows_alone=False, verbose=verbose)


def is_installed(package: str) -> bool:
    """Whether importing ``package`` would find something."""
    return importlib.util.find_spec(package) is not None


def _check_replayable(method: SamplingMethod) -> None:
    if method is not SamplingMethod.VLLM_GUMBEL_MAX:
        raise InputError(
            f"Unsupported sampling method: {method}. Only VLLM_GUMBEL_MAX is currently supported: the random "
            "stream of Tinker's sampler is not public"
        )


def _gpu() -> str | None:
    """Name of the GPU that would draw the noise here; None without one."""
    if not is_installed("torch"):
        return None
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else None


def _reference(
    model_name: str,
    topk_logprobs: int,
    dtype: Any,
    settings: Mapping[str, Any],
    vllm_kwargs: Mapping[str, Any] | None,
) -> Reference:
    """The engine of vLLM with these settings and the caller's own, else torch."""
    if is_installed("vllm"):
        own = {"dtype": dtype, "enforce_eager": True, **settings, **(vllm_kwargs or {})}
        return VllmEngineReference(model_name, topk_logprobs=topk_logprobs, **own)
    if vllm_kwargs:
        raise InputError("vllm_kwargs are for vLLM, which is not installed: pip install 'token-difr[vllm]'")
    return _on_torch(model_name, topk_logprobs, str(dtype).removeprefix("torch."))


def _on_torch(model_name: str, topk_logprobs: int, dtype: str) -> LocalReference:
    if not is_installed("torch"):
        raise ImportError("a local model needs vLLM or torch: pip install 'token-difr[vllm]' or 'token-difr[torch]'")
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    return LocalReference(model_name, topk_logprobs=topk_logprobs, device=device, dtype=dtype)


def _logits_width(model_name: str) -> int:
    """Number of logits at each position, which may be more than the tokenizer has tokens."""
    from transformers import AutoConfig

    return int(AutoConfig.from_pretrained(model_name, trust_remote_code=False).vocab_size)
