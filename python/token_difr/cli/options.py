"""Options that several verbs share, so that they are spelled and explained once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from token_difr.errors import InputError
from token_difr.reference.dialects import DIALECTS

if TYPE_CHECKING:
    from token_difr.records import SamplingParams

__all__ = [
    "AskTokenIds",
    "Baseline",
    "ChatTemplateKwargs",
    "Concurrency",
    "DryRun",
    "Headers",
    "Json",
    "MaxRetries",
    "MaxTokens",
    "MinP",
    "Model",
    "Out",
    "PriceInput",
    "PriceOutput",
    "Prompts",
    "Provider",
    "ProviderKeyEnv",
    "ProviderLogprobs",
    "ProviderOnly",
    "ProviderService",
    "Quiet",
    "Reference",
    "ReferenceDialect",
    "ReferenceKeyEnv",
    "ReferenceModel",
    "Run",
    "Sampler",
    "Seed",
    "Seeds",
    "Temperature",
    "Timeout",
    "TokenizerName",
    "TopK",
    "TopP",
    "TopkLogprobs",
    "VocabSize",
    "asked_headers",
    "sampling_params",
    "template_variables",
]

_DIALECTS = tuple(DIALECTS)

Run = Annotated[Path, typer.Argument(metavar="RUN", help="The run directory.", show_default=False)]
Out = Annotated[Path, typer.Option("--out", metavar="DIR", help="The run directory: made, or gone on with.")]
Prompts = Annotated[
    Path,
    typer.Option(
        "--prompts", metavar="FILE", help='JSON lines ({"messages": [...]}, {"prompt": "..."}), or .txt: one a line.'
    ),
]
Provider = Annotated[str, typer.Option("--provider", metavar="URL", help="Base URL of the provider.")]
ProviderKeyEnv = Annotated[
    str | None, typer.Option("--provider-key-env", metavar="NAME", help="Environment variable with the provider's key.")
]
Model = Annotated[str, typer.Option("--model", metavar="NAME", help="The model, by the provider's name.")]
Reference = Annotated[str, typer.Option("--reference", metavar="URL", help="Base URL of the trusted reference.")]
ReferenceKeyEnv = Annotated[
    str | None,
    typer.Option("--reference-key-env", metavar="NAME", help="Environment variable with the reference's key."),
]
ReferenceModel = Annotated[
    str | None,
    typer.Option("--reference-model", metavar="NAME", help="The model, by the reference's name.  [default: --model]"),
]
ReferenceDialect = Annotated[
    str,
    typer.Option(
        "--reference-dialect",
        metavar="NAME",
        help=f"What it speaks: {', '.join(_DIALECTS[:-1])} or {_DIALECTS[-1]}.",
    ),
]
ProviderService = Annotated[
    str | None,
    typer.Option(
        "--provider-service",
        metavar="NAME",
        help="What the provider is, where its URL does not tell: vllm, sglang, llama.cpp, openrouter, ..., other.",
    ),
]
ProviderOnly = Annotated[
    str | None,
    typer.Option("--provider-only", metavar="NAME", help="The one provider behind a router (OpenRouter) to answer."),
]
ProviderLogprobs = Annotated[
    bool,
    typer.Option("--provider-logprobs", help="Ask for the output's logprobs too, to compare with the reference's."),
]
ChatTemplateKwargs = Annotated[
    str | None,
    typer.Option(
        "--chat-template-kwargs", metavar="JSON", help='Variables of the chat template: {"enable_thinking": false}.'
    ),
]
Headers = Annotated[
    list[str] | None,
    typer.Option("--provider-header", metavar="NAME=VALUE", help="One more header to the provider; may be repeated."),
]
Timeout = Annotated[float, typer.Option("--timeout", metavar="SECONDS", min=0.1, help="For the whole of one answer.")]
TopkLogprobs = Annotated[int, typer.Option("--topk-logprobs", min=1, help="Logprobs a position to ask it for.")]
TokenizerName = Annotated[
    str | None,
    typer.Option(
        "--tokenizer", metavar="NAME", help='Folder or hub name of the tokenizer, or "demo".  [default: --model]'
    ),
]
Temperature = Annotated[float, typer.Option("--temperature", min=0.0, help="0 = greedy.")]
TopK = Annotated[int, typer.Option("--top-k", min=0, help="0 = off.")]
TopP = Annotated[float, typer.Option("--top-p", help="1 = off.")]
MinP = Annotated[float, typer.Option("--min-p", help="0 = off.")]
Seed = Annotated[
    int | None,
    typer.Option("--seed", metavar="N", min=0, help="One seed for all answers of the provider.", show_default=False),
]
Seeds = Annotated[
    str | None,
    typer.Option("--seeds", metavar="N[,N...]", help="One seed a prompt: given ones, or derived from one number."),
]
Sampler = Annotated[
    str | None,
    typer.Option(
        "--sampler",
        metavar="ENGINE@VERSION",
        help="Whose noise to replay at a temperature above 0, such as vllm@0.33 or torch-cuda@2.9:gpu=H100.",
    ),
]
VocabSize = Annotated[
    int | None,
    typer.Option("--vocab-size", min=1, help="Width of the model's logits, where the sampler's noise depends on it."),
]
AskTokenIds = Annotated[
    bool | None,
    typer.Option(
        "--ask-token-ids/--no-ask-token-ids",
        help="Ask the provider for its token ids.  [default: at a temperature above 0, on this machine]",
        show_default=False,
    ),
]
MaxTokens = Annotated[int, typer.Option("--max-tokens", min=1, help="Longest output, in tokens.")]
Concurrency = Annotated[int, typer.Option("--concurrency", min=1, help="Requests in flight.")]
MaxRetries = Annotated[int, typer.Option("--max-retries", min=0, help="Retries of a request that may yet succeed.")]
Json = Annotated[bool, typer.Option("--json", help="Write JSON to standard output.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress bars and no notes on standard error.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print what would be sent, and send nothing.")]
PriceInput = Annotated[
    float | None, typer.Option("--price-input", min=0.0, help="Provider's price of a million prompt tokens.")
]
PriceOutput = Annotated[
    float | None, typer.Option("--price-output", min=0.0, help="Provider's price of a million output tokens.")
]
Baseline = Annotated[
    Path | None,
    typer.Option("--baseline", metavar="DIR", help="Run of a trusted provider on other prompts of the same kind."),
]


def sampling_params(
    *,
    temperature: float,
    top_k: int,
    top_p: float,
    min_p: float,
    seed: int | None,
    seeds: str | None,
    prompts: Path,
) -> SamplingParams:
    """The sampling options together; ``seeds`` as many as ``prompts`` has prompts.

    Raises:
        InputError: A value out of range, ``--seed`` beside ``--seeds``, or not one seed a prompt.
    """
    from token_difr.answers import read_prompts
    from token_difr.records import SamplingParams, derived_seeds

    each = None
    if seeds is not None:
        if seed is not None:
            raise InputError("give --seed, one for all answers, or --seeds, one a prompt; not both")
        numbers, count = _numbers(seeds), len(read_prompts(prompts))
        each = derived_seeds(numbers[0], count) if len(numbers) == 1 else numbers
        if len(each) != count:
            raise InputError(
                f"--seeds has {len(each)} seeds for {count} prompts: give one a prompt, or one to derive from"
            )
    return SamplingParams(
        temperature=temperature, top_k=top_k, top_p=top_p, min_p=min_p, seed=seed if each is None else each
    )


def template_variables(text: str | None) -> dict[str, Any] | None:
    """The value of ``--chat-template-kwargs``; None where it is not given, or empty.

    Raises:
        InputError: Not a JSON object.
    """
    if text is None:
        return None
    try:
        variables = json.loads(text)
    except ValueError as error:
        raise InputError(f"--chat-template-kwargs is not JSON: {error}") from error
    if not isinstance(variables, dict):
        raise InputError(f"--chat-template-kwargs takes a JSON object, not {text!r}")
    return variables or None


def asked_headers(given: Sequence[str] | None) -> dict[str, str]:
    """The values of ``--provider-header``. They may be secrets: no message shows one.

    Raises:
        InputError: One without a name or without "=".
    """
    pairs = [header.partition("=") for header in given or ()]
    for position, (name, separator, _) in enumerate(pairs, 1):
        if not separator or not name.strip():
            raise InputError(f"--provider-header number {position} is not NAME=VALUE")
    return {name.strip(): value for name, _, value in pairs}


def _numbers(text: str) -> tuple[int, ...]:
    try:
        numbers = tuple(int(part) for part in text.split(","))
    except ValueError:
        numbers = (-1,)
    if min(numbers) < 0:
        raise InputError(f"--seeds takes whole numbers of at least 0 with commas between them, not {text!r}")
    return numbers
