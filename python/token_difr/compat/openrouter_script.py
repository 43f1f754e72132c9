"""``main``: the script of token-difr 0.1 that saves many answers of some providers behind OpenRouter."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from token_difr.compat.audit_provider import checked_key, service_client
from token_difr.compat.openrouter import generate_openrouter_responses
from token_difr.compat.openrouter_samples import save_results
from token_difr.compat.prompts import construct_prompts

__all__ = ["main"]

PROVIDERS = ("cerebras", "hyperbolic", "groq", "siliconflow/fp8", "deepinfra")
MODEL = "meta-llama/llama-3.1-8b-instruct"
LONGEST_PROMPT = 512
CONCURRENCY = 50


async def main(
    *,
    providers: Sequence[str] = PROVIDERS,
    model_name: str = MODEL,
    n_samples: int = 2000,
    max_tokens: int = 500,
    save_dir: str | Path = "openrouter_responses",
) -> None:
    """Ask each provider the same prompts at temperature 0, and save its answers in a file of its own.

    The arguments' defaults are what 0.1 has written into its script: 2,000 requests to each of five providers, which are
    paid for. The address is OpenRouter's, or ``OPENROUTER_BASE_URL``.

    Args:
        providers: Providers behind OpenRouter, by its names.
        model_name: OpenRouter's name of the model, and the name of its tokenizer.
        n_samples: Prompts a provider.
        max_tokens: The longest answer, in tokens.
        save_dir: Folder of the files; made if there is none.

    Raises:
        InputError: ``OPENROUTER_API_KEY`` is not set, or there is no such tokenizer; nothing has been sent then.
        EndpointError: A request failed; what the providers before it answered is saved.
    """
    checked_key("openrouter")
    conversations = construct_prompts(n_samples, LONGEST_PROMPT, model_name=model_name)
    sys.stdout.write(f"Loaded {len(conversations)} prompts from dataset.\n")
    for provider in providers:
        async with service_client("openrouter", None) as client:
            responses = await generate_openrouter_responses(
                client, conversations, model_name, provider, max_tokens=max_tokens, concurrency=CONCURRENCY
            )
        config = {
            "model": model_name,
            "provider": provider,
            "max_tokens": max_tokens,
            "temperature": 0.0,
            "n_samples": n_samples,
            "max_ctx_len": LONGEST_PROMPT,
        }
        file = _file(save_dir, f"{provider}_{model_name}")
        save_results(conversations, responses, file, config, model_name, max_tokens)


def _file(folder: str | Path, tag: str) -> Path:
    Path(folder).mkdir(parents=True, exist_ok=True)
    return Path(folder) / f"openrouter_{_as_file_name(tag)}_token_difr_prompts_test.json"


def _as_file_name(name: str) -> str:
    return name.replace("/", "_").replace(".", "_")
