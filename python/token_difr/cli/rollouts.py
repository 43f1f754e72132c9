"""``token-difr rollouts``: many samples a prompt, their cache, and how far sampler and trainer are apart."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from token_difr.cli import options
from token_difr.cli.grouped import grouped
from token_difr.cli.show import note, show
from token_difr.endpoint.bodies import MAX_ANSWER_MB
from token_difr.interrupts import begin_asking

if TYPE_CHECKING:
    from token_difr.mismatch.measure import Mismatch
    from token_difr.rollouts import Response, RolloutCache, RolloutsClient

__all__ = ["app"]

app = typer.Typer(
    help="Many samples a prompt, each paid for once.", no_args_is_help=True, rich_markup_mode=None, add_completion=False
)
cache_app = typer.Typer(help="The samples that are kept.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(cache_app, name="cache")

CacheDir = Annotated[Path, typer.Option("--cache-dir", metavar="DIR", help="Folder of the cache.")]
ROLLOUTS = Path(".rollouts")


@dataclass(frozen=True, kw_only=True)
class SampleOptions:
    """Whom to ask, and how; the fields but the last ones are parameters of the client under the same names."""

    model: options.Model
    provider: Annotated[
        str,
        typer.Option(
            "--provider", metavar="NAME|URL", help="A service, such as openrouter or fireworks, or a base URL."
        ),
    ] = "openrouter"
    key_variable: Annotated[
        str | None,
        typer.Option("--provider-key-env", metavar="NAME", help="Environment variable with the provider's key."),
    ] = None
    provider_only: options.ProviderOnly = None
    service: options.ProviderService = None
    provider_header: options.ProviderHeader = None
    provider_header_env: options.ProviderHeaderEnv = None
    n_samples: Annotated[int, typer.Option("-n", "--n-samples", min=1, help="How many.")] = 1
    temperature: options.Temperature = 0.7
    top_p: options.TopP = 0.95
    top_k: Annotated[int | None, typer.Option("--top-k", min=0, help="Not sent unless given.")] = None
    max_tokens: Annotated[
        int | None,
        typer.Option(
            "--max-tokens", min=1, help="Longest answer, in tokens. [default: 4096, or what the context leaves]"
        ),
    ] = None
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the first sample; the others follow.")] = 0
    logprobs: Annotated[
        int | None, typer.Option("--logprobs", min=0, max=20, help="Logprobs, and so many likeliest tokens.")
    ] = None
    echo: Annotated[bool, typer.Option("--echo", help="The prompt's logprobs too, by the completions endpoint.")] = (
        False
    )
    tokenizer: Annotated[
        str | None,
        typer.Option("--tokenizer", metavar="NAME", help="Folder or hub name; needed for --echo and tinker."),
    ] = None
    concurrency: options.Concurrency = 64
    max_retries: options.MaxRetries = 8
    timeout: options.Timeout = 300.0
    max_answer_mb: options.MaxAnswerMb = MAX_ANSWER_MB
    max_cost_usd: Annotated[float | None, typer.Option("--max-cost-usd", min=0.0, help="Ceiling.")] = None
    price_input: options.PriceInput = None
    price_output: options.PriceOutput = None
    cache_dir: CacheDir = ROLLOUTS
    use_cache: Annotated[bool, typer.Option("--cache/--no-cache", help="Keep samples, and take those kept.")] = True
    quiet: options.Quiet = False

    def client(self) -> RolloutsClient:
        """The client that they describe."""
        from token_difr.rollouts import RolloutsClient
        from token_difr.services import routing_to

        settings = {each.name: getattr(self, each.name) for each in fields(self)}
        only, quiet = settings.pop("provider_only"), settings.pop("quiet")
        if self.max_tokens is None:  # the client's own default gives way to the model's context; a number would not
            del settings["max_tokens"]
        headers = options.asked_headers(settings.pop("provider_header"), settings.pop("provider_header_env"))
        return RolloutsClient(
            **settings,
            headers=headers or None,
            routing=None if only is None else routing_to(only),
            endpoint="completions" if self.echo else "chat",
            progress_bar=not quiet,
        )


@app.command("sample")
@grouped
def sample(
    prompt: Annotated[str, typer.Argument(help='The prompt; "-" reads it from standard input.', show_default=False)],
    *,
    how: SampleOptions,
) -> None:
    """Draw samples of one prompt: a line of JSON each, as they arrive. Exits with 2 if any failed."""
    asked = sys.stdin.read() if prompt == "-" else prompt
    begin_asking()
    with how.client() as client:
        drawn = client.generate(asked, on_response=_write)
        if client.budget.spent_usd:
            note(f"cost: {client.budget.spent_usd:.6f} USD", quiet=how.quiet)
    for error in drawn.errors:
        note(f"token-difr: sample {error.index} failed: {error.error}", quiet=False)
    if drawn.errors:
        raise typer.Exit(2)


@app.command("mismatch")
def mismatch(
    run: options.Run,
    *,
    bins: Annotated[int, typer.Option("--bins", min=1, help="Ranges of positions.")] = 8,
    sampler_logprobs: Annotated[
        Literal["draw", "model"] | None,
        typer.Option(
            "--sampler-logprobs",
            help="What the provider's logprobs are: those of the draw, after temperature and filters, or the model's own. "
            "[default: what they are nearer to]",
        ),
    ] = None,
    as_json: options.Json = False,
) -> None:
    """How far a run's sampler (the provider) and trainer (the reference) are apart. Offline."""
    from token_difr.mismatch.sources import run_mismatch
    from token_difr.run import RunDirectory

    with RunDirectory.read(run) as stored:
        found = run_mismatch(stored, sampler_logprobs=sampler_logprobs, bins=bins)
    if as_json:
        typer.echo(json.dumps(found.to_dict(), indent=2, allow_nan=False))
    else:
        show([_table(found), f"compared: {found.compared}", *(f"caveat: {caveat}" for caveat in found.caveats)])


@cache_app.command("stats")
def stats(cache_dir: CacheDir = ROLLOUTS) -> None:
    """What the cache holds, as JSON."""
    typer.echo(json.dumps(_opened(cache_dir).stats(), indent=2))


@cache_app.command("export")
def export(
    cache_dir: CacheDir = ROLLOUTS,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="[default: standard output]")] = None,
) -> None:
    """Write every answer with its request as a line of JSON."""
    cache = _opened(cache_dir)
    if out is None:
        cache.export(sys.stdout)
        return
    with open(out, "w", encoding="utf-8", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
        count = cache.export(file)
    note(f"{count} answers are in {out}", quiet=False)


@cache_app.command("clear")
def clear(
    cache_dir: CacheDir = ROLLOUTS,
    *,
    model: Annotated[str | None, typer.Option("--model", metavar="NAME", help="Only this model's.")] = None,
    older_than_days: Annotated[
        float | None, typer.Option("--older-than-days", min=0.0, help="Only older ones.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete answers. They were paid for: asks first."""
    cache = _opened(cache_dir)
    if not yes:
        typer.confirm(f"Delete answers from {cache_dir}?", abort=True, err=True)
    note(f"{cache.clear(model=model, older_than_days=older_than_days)} answers deleted", quiet=False)


def _opened(folder: Path) -> RolloutCache:
    from token_difr.errors import InputError
    from token_difr.rollouts import RolloutCache
    from token_difr.rollouts.cache import CACHE_FILE

    if not (folder / CACHE_FILE).is_file():
        raise InputError(f"there is no cache in {folder}")
    return RolloutCache(folder)


def _write(response: Response) -> None:
    typer.echo(json.dumps(response.to_dict()))


def _table(found: Mismatch) -> Any:
    from rich.table import Table

    table = Table(title=f"Sampler against trainer: {found.tokens:,} tokens, {found.sequences:,} sequences", box=None)
    table.add_column("figure")
    table.add_column("value", justify="right")
    rows = {
        "KL, k1 (nats a token)": found.k1,
        "KL, k3 (nats a token)": found.k3,
        "mean |log ratio| (nats)": found.mean_absolute_log_ratio,
        "largest |log ratio| (nats)": found.largest_log_ratio,
        "effective share of tokens": found.token_effective_share,
        "effective share of sequences": found.sequence_effective_share,
        "growth of |log ratio| (nats a 1,000 tokens)": found.growth,
    }
    for name, value in rows.items():
        table.add_row(name, f"{value:.6f}")
    for each in found.by_position:
        name = f"positions {each.first:,} to {each.end - 1:,}: mean |log ratio|"
        table.add_row(name, f"{each.mean_absolute_log_ratio:.6f}")
    return table
