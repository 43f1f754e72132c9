"""``token-difr serve``: a model as an OpenAI-compatible server."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from token_difr.cli.serve_models import model_options, parse_models
from token_difr.errors import InputError
from token_difr.interrupts import begin_work

if TYPE_CHECKING:
    from token_difr.server import ServerSettings

__all__ = ["command"]

SAMPLER = "torch-cpu@2.13:filters=vllm"
IMPOSTOR = "Deviations, for audits and power studies"
OF_THE_SERVER = frozenset(
    {"folder", "model", "model_name", "host", "port", "api_key", "max_connections", "request_seconds", "grace_seconds"}
    | {"until_stdin_closes", "faults"}
)
"""Options that no model has for itself."""


class Rounding(StrEnum):
    """How an impostor's weights are rounded."""

    BF16 = "bf16"
    INT8 = "int8"
    INT4 = "int4"
    INT4_BLOCK32 = "int4-block32"
    INT8_KERNEL = "int8-kernel"
    INT4_KERNEL = "int4-kernel"


class Engine(StrEnum):
    """What runs the model."""

    AUTO = "auto"
    ONNX = "onnx"
    TORCH = "torch"


class Type(StrEnum):
    """What the model computes in."""

    FLOAT32 = "float32"
    BF16 = "bf16"
    FLOAT16 = "float16"


def _switch(text: str, *, min: float | None = None, max: float | None = None) -> Any:  # noqa: A002 - typer's names
    return typer.Option(help=text, rich_help_panel=IMPOSTOR, min=min, max=max)


def command(
    folder: Annotated[
        str | None,
        typer.Argument(metavar="MODEL", help="The model's folder or GGUF file, or 'demo' for the model that ships."),
    ] = None,
    *,
    model: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=MODEL[,OPTION[=VALUE]...]", help="One of several models, with options of its own."),
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="TCP port; 0 = any free one.")] = 8000,
    model_name: Annotated[str | None, typer.Option(help="Name of the model in requests.")] = None,
    api_key: Annotated[
        str | None, typer.Option(envvar="TOKEN_DIFR_SERVER_KEY", help="Key that requests must carry.")
    ] = None,
    max_logprobs: Annotated[int, typer.Option(min=-1, help="Most logprobs a position; -1 = the vocabulary.")] = 20,
    max_batch: Annotated[int, typer.Option(min=1, help="Sequences generated at once.")] = 32,
    max_queue: Annotated[int, typer.Option(min=1, help="Sequences that may wait.")] = 1024,
    max_request_tokens: Annotated[int, typer.Option(min=1, help="Most output tokens of one request.")] = 2**20,
    max_connections: Annotated[int, typer.Option(min=1, help="Connections at once.")] = 1024,
    request_seconds: Annotated[float, typer.Option(min=0, help="Time of a client to send a request.")] = 60.0,
    grace_seconds: Annotated[float, typer.Option(min=0, help="Time of what runs to end, once told to stop.")] = 30.0,
    engine: Annotated[Engine, typer.Option(help="ONNX Runtime, or torch (an extra).")] = Engine.AUTO,
    dtype: Annotated[Type, typer.Option(help="What the model computes in; ONNX Runtime: float32.")] = Type.FLOAT32,
    threads: Annotated[int, typer.Option(min=1, help="Threads of one forward pass.")] = 1,
    sampler: Annotated[str, typer.Option(help="Whose noise and filters to sample with, such as vllm@0.33.")] = SAMPLER,
    echo_bos: Annotated[bool, typer.Option(help="One more leading row in echoed logprobs of texts.")] = False,
    until_stdin_closes: Annotated[bool, typer.Option(help="Shut down at the end of standard input.")] = False,
    weights: Annotated[Rounding | None, _switch("Rounded weights.")] = None,
    kv_bits: Annotated[int | None, _switch("Bits of cached keys and values.", min=2, max=16)] = None,
    system_prompt: Annotated[str | None, _switch("Replaces every system message.")] = None,
    template: Annotated[Path | None, _switch("File with another chat template.")] = None,
    temperature_scale: Annotated[float, _switch("Multiplies every temperature.", min=0)] = 1.0,
    top_k_bug: Annotated[float, _switch("Share of tokens at which the likeliest is lost.", min=0, max=1)] = 0.0,
    random_token_rate: Annotated[float, _switch("Share of tokens replaced by random ones.", min=0, max=1)] = 0.0,
    text_only: Annotated[bool, _switch("Tell neither token ids nor logprobs, whatever is asked.")] = False,
    ignore_seed: Annotated[bool, _switch("Accept seeds and do not use them.")] = False,
    force_seed: Annotated[int | None, _switch("Takes the place of every seed.", min=0, max=2**64 - 1)] = None,
    force_top_p: Annotated[float | None, _switch("Takes the place of every top-p, above 0.", min=0, max=1)] = None,
    mix: Annotated[str | None, _switch("MODEL:RATE or MODEL@WEIGHTS:RATE, a share for another model.")] = None,
    latency: Annotated[float, _switch("Seconds that every answer waits.", min=0)] = 0.0,
    faults: Annotated[float, _switch("Share of requests that fail.", min=0, max=1)] = 0.0,
) -> None:
    """Serves one or more models over HTTP; the base URL is written to standard output when they answer."""
    options = dict(locals())
    try:
        from token_difr.server import serve
    except ModuleNotFoundError as error:
        raise InputError(f"the server needs {error.name}: pip install 'token-difr[serve]'") from error

    begin_work()
    _log_to_stderr()
    place = {name: options.pop(name) for name in ("host", "port", "until_stdin_closes")}
    serve(*_models(options), on_ready=_announce, **place)


def _models(options: dict[str, Any]) -> list[ServerSettings]:
    """The settings of each model: the one of the argument, or those of --model."""
    folder, named = options.pop("folder"), options.pop("model")
    if (folder is None) == (not named):
        raise InputError("name what is served: either MODEL, or --model NAME=MODEL for each of several")
    if named and options["model_name"] is not None:
        raise InputError("--model-name is for one model; with --model each has its name before the =")
    if not named:
        return [_settings(options, model=folder or "")]
    models = parse_models(named, model_options(command, but=OF_THE_SERVER))
    return [_settings({**options, "model_name": one.name, **one.options}, model=one.model) for one in models]


def _settings(options: dict[str, Any], *, model: str) -> ServerSettings:
    """The options under the names and in the types of the server's settings."""
    from token_difr.engine.choice import EngineChoice
    from token_difr.engine.rounding import WeightRounding
    from token_difr.engine.torch import ElementType
    from token_difr.sampler import Sampler
    from token_difr.server import ServerSettings
    from token_difr.server.settings import Mix

    weights, mix = options.pop("weights"), options.pop("mix")
    return ServerSettings(
        model=model,
        name=options.pop("model_name"),
        engine=EngineChoice(options.pop("engine")),
        element_type=ElementType(options.pop("dtype")),
        sampler=Sampler.parse(options.pop("sampler")),
        weights=None if weights is None else WeightRounding(weights),
        mix=None if mix is None else Mix.parse(mix),
        **options,
    )


def _announce(address: str) -> None:
    typer.echo(address)


def _log_to_stderr() -> None:
    import logging

    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s %(message)s", level=logging.INFO)
    # uvicorn tells its own life cycle at length; failures of ours are logged by ours.
    for name in ("uvicorn.error", "httpx2"):
        logging.getLogger(name).setLevel(logging.WARNING)
