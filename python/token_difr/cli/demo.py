"""``token-difr demo``: audits on this machine, offline, ending in verdicts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from token_difr.errors import InputError
from token_difr.interrupts import begin_work

if TYPE_CHECKING:
    from token_difr.demo.served_model import DemoModel

__all__ = ["command"]


def command(
    *,
    prompts: Annotated[int, typer.Option(help="Prompts a side.")] = 149,
    max_tokens: Annotated[int, typer.Option(min=1, help="Tokens of the longest answer.")] = 64,
    model: Annotated[
        str, typer.Option(metavar="FOLDER|FILE", help="Another model than the tiny one: a folder or a GGUF file.")
    ] = "demo",
    seed: Annotated[int, typer.Option(help="Chooses the prompts.")] = 0,
    out: Annotated[
        Path | None, typer.Option(help="Keep the run directories here; without it they are deleted.")
    ] = None,
) -> None:
    """Catch cheating providers of a model, offline.

    Starts a reference server and its providers as processes of their own on this machine, audits each over HTTP, at
    temperature 0 and at temperature 1, prints two tables and ends every process. Exit status 0 if every verdict is the one that the deviation calls for, else 1.
    """
    import asyncio
    import tempfile

    begin_work()
    served = _named(model, max_tokens)
    if out is not None:
        if out.exists() and any(out.iterdir()):
            raise InputError(f"{out} is not empty: the demo's servers get new ports, so no run of it can go on")
        out.mkdir(parents=True, exist_ok=True)
        raise typer.Exit(asyncio.run(_demo(served, out, prompts, seed)))
    with tempfile.TemporaryDirectory(prefix="token-difr-demo-") as folder:
        raise typer.Exit(asyncio.run(_demo(served, Path(folder), prompts, seed)))


def _named(model: str, max_tokens: int) -> DemoModel:
    from token_difr.demo.served_model import DemoModel

    return DemoModel.named(model, max_tokens=max_tokens)


async def _demo(model: DemoModel, out: Path, count: int, seed: int) -> int:
    from rich.console import Console

    from token_difr.demo.audits import (
        as_expected,
        choose_prompts,
        demo_audits,
        sampled_as_expected,
        sampled_audits,
    )
    from token_difr.demo.providers import PROVIDERS, REFERENCE, SAMPLED_PROVIDERS
    from token_difr.demo.servers import running_servers
    from token_difr.demo.table import closing_sentence, results_table, sampled_sentence, sampled_table

    chosen = choose_prompts(model.questions, count, seed=seed)
    cast = tuple(dict.fromkeys((*PROVIDERS, *SAMPLED_PROVIDERS)))
    progress, console = Console(stderr=True), Console()
    progress.print(f"Starting a reference server and {len(cast)} providers on loopback ports ...")
    results, sampled = [], []
    with running_servers((REFERENCE, *cast), out, model.name) as urls:
        progress.print(f"Auditing over HTTP: {count} prompts, and {count} others for the baseline ...")
        async for result in demo_audits(urls, model, chosen, out):
            progress.print(f"  {result.provider.deviation}: {result.run.verdict}")
            results.append(result)
        console.print(results_table(results))
        console.print(closing_sentence(results))
        progress.print("The same prompts at temperature 1 ...")
        async for replayed in sampled_audits(urls, model, chosen, out):
            progress.print(f"  {replayed.provider.deviation}: {replayed.replayed.verdict}")
            sampled.append(replayed)
        console.print()
        console.print(sampled_table(sampled))
        console.print(sampled_sentence(sampled))
    return 0 if as_expected(results) and sampled_as_expected(sampled) else 1
