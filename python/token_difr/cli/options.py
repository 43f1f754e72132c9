"""Options that several verbs share, so that they are spelled and explained once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "Baseline",
    "Concurrency",
    "DryRun",
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
    "Quiet",
    "Reference",
    "ReferenceDialect",
    "ReferenceKeyEnv",
    "ReferenceModel",
    "Run",
    "Seed",
    "Temperature",
    "TokenizerName",
    "TopK",
    "TopP",
    "TopkLogprobs",
]

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
ReferenceDialect = Annotated[str, typer.Option("--reference-dialect", metavar="NAME", help="What it speaks: vllm.")]
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
Seed = Annotated[int | None, typer.Option("--seed", help="Seed of the provider's sampler.", show_default=False)]
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
