"""Options that several verbs share, so that they are spelled and explained once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from token_difr.errors import InputError

__all__ = [
    "AskTokenIds",
    "Baseline",
    "Concurrency",
    "Json",
    "MaxAnswerMb",
    "MaxRetries",
    "MaxTokens",
    "MinP",
    "Model",
    "Out",
    "PriceInput",
    "PriceOutput",
    "Prompts",
    "Provider",
    "ProviderHeader",
    "ProviderHeaderEnv",
    "ProviderKeyEnv",
    "ProviderOnly",
    "ProviderService",
    "Quiet",
    "Redact",
    "Run",
    "RunsTokenizerName",
    "Temperature",
    "Timeout",
    "TokenizerName",
    "TopK",
    "TopP",
    "VocabSize",
    "asked_headers",
    "seed_a_prompt",
    "template_variables",
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
ProviderHeader = Annotated[
    list[str] | None,
    typer.Option("--provider-header", metavar="NAME=VALUE", help="One more header to the provider; may be repeated."),
]
ProviderHeaderEnv = Annotated[
    list[str] | None,
    typer.Option(
        "--provider-header-env",
        metavar="NAME=VARIABLE",
        help="The same, with its value in an environment variable: a secret that no list of processes shows.",
    ),
]
MaxAnswerMb = Annotated[
    float,
    typer.Option("--max-answer-mb", metavar="MB", min=0.001, help="Most megabytes of one answer, decompressed."),
]
Timeout = Annotated[float, typer.Option("--timeout", metavar="SECONDS", min=0.1, help="For the whole of one answer.")]
TOKENIZER_HELP = 'Folder, GGUF file or hub name of the tokenizer, or "demo".  [default: {}]'
TokenizerName = Annotated[
    str | None,
    typer.Option("--tokenizer", metavar="NAME", help=TOKENIZER_HELP.format("--model")),
]
RunsTokenizerName = Annotated[
    str | None, typer.Option("--tokenizer", metavar="NAME", help=TOKENIZER_HELP.format("the run's, else its model"))
]
Temperature = Annotated[float, typer.Option("--temperature", min=0.0, help="0 = greedy.")]
TopK = Annotated[int, typer.Option("--top-k", min=0, help="0 = off.")]
MinP = Annotated[float, typer.Option("--min-p", help="0 = off.")]
TopP = Annotated[float, typer.Option("--top-p", help="1 = off.")]
VocabSize = Annotated[
    int | None,
    typer.Option("--vocab-size", min=1, help="Width of the model's logits, where the sampler's noise depends on it."),
]
AskTokenIds = Annotated[
    bool | None,
    typer.Option(
        "--ask-token-ids/--no-ask-token-ids",
        help="Ask the provider for its token ids.  [default: where the service takes the field]",
        show_default=False,
    ),
]
MaxTokens = Annotated[int, typer.Option("--max-tokens", min=1, help="Longest output, in tokens.")]
Concurrency = Annotated[int, typer.Option("--concurrency", min=1, help="Requests in flight.")]
MaxRetries = Annotated[int, typer.Option("--max-retries", min=0, help="Retries of a request that may yet succeed.")]
Json = Annotated[bool, typer.Option("--json", help="Write JSON to standard output.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress bars and no notes on standard error.")]
Redact = Annotated[
    bool,
    typer.Option(
        "--redact",
        help="Without texts: token ids, scores and checksums alone. Ids can be decoded; see docs/evidence.md.",
    ),
]
PriceInput = Annotated[
    float | None, typer.Option("--price-input", min=0.0, help="Provider's price of a million prompt tokens.")
]
PriceOutput = Annotated[
    float | None, typer.Option("--price-output", min=0.0, help="Provider's price of a million output tokens.")
]
Until = Annotated[
    str | None,
    typer.Option(
        "--until", metavar="verdict", help="Ask a few at a time, and stop at the verdict.  [default: ask all]"
    ),
]
Baseline = Annotated[
    Path | None,
    typer.Option("--baseline", metavar="DIR", help="Run of a trusted provider, best on the same prompts."),
]


def seed_a_prompt(text: str, prompts: int, *, beside: int | None) -> tuple[int, ...]:
    """The value of ``--seeds``: as many seeds as there are prompts.

    Args:
        text: Numbers with commas between them; one number is derived from.
        prompts: How many there are.
        beside: The value of ``--seed``, which excludes it.

    Raises:
        InputError: ``--seed`` beside ``--seeds``, or not one seed a prompt.
    """
    from token_difr.records import derived_seeds

    if beside is not None:
        raise InputError("give --seed, one for all answers, or --seeds, one a prompt; not both")
    numbers = _numbers(text)
    each = derived_seeds(numbers[0], prompts) if len(numbers) == 1 else numbers
    if len(each) != prompts:
        raise InputError(
            f"--seeds has {len(each)} seeds for {prompts} prompts: give one a prompt, or one to derive from"
        )
    return each


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


def asked_headers(given: Sequence[str] | None, from_environment: Sequence[str] | None = None) -> dict[str, str]:
    """The values of ``--provider-header`` and ``--provider-header-env``. They may be secrets: no message shows one.

    Raises:
        InputError: One without a name or without "=", a name twice, or a variable that is not set.
    """
    from token_difr.endpoint.keys import secret_from
    from token_difr.endpoint.secrets import Secret

    headers = dict[str, str]()
    pairs = [("--provider-header", each) for each in given or ()]
    pairs += [("--provider-header-env", each) for each in from_environment or ()]
    for position, (option, header) in enumerate(pairs, 1):
        name, separator, value = header.partition("=")
        name = name.strip()
        place = f"header number {position} ({option})"
        if not separator or not name:
            raise InputError(f"{place} is not NAME={'VALUE' if option == '--provider-header' else 'VARIABLE'}")
        if name.lower() in {other.lower() for other in headers}:
            raise InputError(f"{place} has a name that another one has too")
        from_variable = option == "--provider-header-env"
        headers[name] = Secret(secret_from(value.strip(), f"the value of {place}")) if from_variable else value
    return headers


def _numbers(text: str) -> tuple[int, ...]:
    try:
        numbers = tuple(int(part) for part in text.split(","))
    except ValueError:
        numbers = (-1,)
    if min(numbers) < 0:
        raise InputError(f"--seeds takes whole numbers of at least 0 with commas between them, not {text!r}")
    return numbers
