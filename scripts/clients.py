"""Other projects' clients at ``token-difr serve demo``: ``make clients``, or ``python scripts/clients.py [--only NAME]``.

Each client gets an environment of its own, made once by uv from PyPI with its version pinned, and a script of
``scripts/client_checks`` that does the client's main things. Nothing but PyPI is asked for anything. Beside the demo's model
there are three that say one text, for what a tiny model never writes: calls of tools and JSON. lm-eval's loglikelihoods are
compared with those of this package's own reference. Prints a table; exit status 1 if something does not hold.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from demo_server import demo_server
from token_difr.endpoint import connect
from token_difr.errors import EndpointError
from token_difr.records import TokenSequence
from token_difr.reference import VllmReference
from token_difr.server import ModelService, ServerSettings
from token_difr.server.listening import running
from token_difr.server.model.folder import DEMO, ModelFolder
from token_difr.testing.scripted_engine import ScriptedEngine

ROOT = Path(__file__).parents[1]
CHECKS = ROOT / "scripts" / "client_checks"
ENVIRONMENTS = ROOT / ".venv-clients"
UV = ROOT / ".venv-lock" / "bin" / "uv"
TOLERANCE = 1e-4
"""Between lm-eval's sum of logprobs and ours, in nats."""
TIMEOUT_SECONDS = 600
ARGUMENTS = '{"city": "Paris"}'
SAID = {
    "caller": f'<tool_call>\n{{"name": "Weather", "arguments": {ARGUMENTS}}}\n</tool_call>',
    "opened": f"{ARGUMENTS}}}\n</tool_call>",
    "writer": f"```json\n{ARGUMENTS}\n```",
}
"""Model -> its text: a call of its own accord, the rest of a call that the server opened, JSON."""
OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LANGCHAIN_TRACING_V2": "false",
    "LANGSMITH_TRACING": "false",
    "DO_NOT_TRACK": "1",
    "OPENAI_API_KEY": "EMPTY",
    # What asks for anything beyond this machine all the same meets a closed port.
    "HTTP_PROXY": "http://127.0.0.1:9",
    "HTTPS_PROXY": "http://127.0.0.1:9",
    "NO_PROXY": "127.0.0.1,localhost",
}
"""No model hub, no telemetry, no price lists."""


class Client(NamedTuple):
    """A client that is tried.

    Attributes:
        requirements: What its environment holds, the client first, each with its version.
        script: Its script.
    """

    requirements: tuple[str, ...]
    script: str


class Check(NamedTuple):
    """One thing that was tried, and why it did not hold; None = it held."""

    client: str
    name: str
    failure: str | None
    note: str = ""


CLIENTS = {
    "openai": Client(("openai==3.57.0",), "with_openai.py"),
    "litellm": Client(("litellm==1.110.2",), "with_litellm.py"),
    "langchain-openai": Client(("langchain-openai==1.7.4",), "with_langchain.py"),
    "llm": Client(("llm==0.36",), "with_llm.py"),
    "instructor": Client(("instructor==1.17.0",), "with_instructor.py"),
    "inspect-ai": Client(("inspect-ai==0.3.285", "openai==3.57.0"), "with_inspect.py"),
    "lm-eval": Client(("lm-eval[api]==0.4.13",), "with_lm_eval.py"),
}


def try_clients(names: Sequence[str]) -> list[Check]:
    """What each client did; a client that cannot be installed or breaks has one check that failed."""
    checks: list[Check] = []
    with demo_server() as (url, _), scripted_models() as scripted_url:
        for name in names:
            try:
                found = run_script(name, CLIENTS[name], url, scripted_url)
            except (subprocess.SubprocessError, OSError, ValueError) as error:
                checks.append(Check(name, "its script runs", reason(error)))
            else:
                checks += [checked(name, one, url) for one in found]
            for check in checks:
                if check.client == name:
                    print(row(check), flush=True)
    return checks


@contextmanager
def scripted_models() -> Iterator[str]:
    """A server in this process of the models that say one text; the base URL."""
    folder = ModelFolder.open(DEMO)

    def saying(name: str, text: str) -> ModelService:
        script = [*folder.tokenizer.encode(text, add_special_tokens=False), *folder.end_token_ids]
        return ModelService(ServerSettings(model=DEMO, name=name), ScriptedEngine(script, folder.tokenizer.size))

    with running(*(saying(*one) for one in SAID.items())) as url:
        yield url


def run_script(name: str, client: Client, url: str, scripted_url: str) -> list[dict[str, Any]]:
    """What a client's script wrote of its checks.

    Raises:
        subprocess.SubprocessError: The environment cannot be made, or the script broke or took too long.
        ValueError: It wrote nothing that can be read.
    """
    python = environment(name, client.requirements)
    with tempfile.TemporaryDirectory() as scratch:
        results = Path(scratch, "results.json")
        variables = script_variables(os.environ, url, scripted_url, results, scratch)
        command = [str(python), str(CHECKS / client.script)]
        run(command, cwd=scratch, env=variables)
        found: list[dict[str, Any]] = json.loads(results.read_text(encoding="utf-8"))
    return found


def script_variables(own: Mapping[str, str], url: str, scripted_url: str, results: Path, home: str) -> dict[str, str]:
    """The environment of a script: no keys, no home and no modules of ours, no way out but loopback."""
    kept = {name: own[name] for name in ("PATH", "LANG", "SSL_CERT_FILE") if name in own}
    places = {"HOME": home, "SERVER_URL": url, "SCRIPTED_URL": scripted_url, "RESULTS": str(results)}
    return {**kept, **OFFLINE, **places}


def environment(name: str, requirements: Sequence[str]) -> Path:
    """The interpreter of a client's environment, which is made unless it is there with the same requirements."""
    folder = ENVIRONMENTS / name
    python, made = folder / "bin" / "python", folder / "requirements.txt"
    asked = "\n".join(requirements)
    if not made.is_file() or made.read_text(encoding="utf-8") != asked:
        run([str(UV), "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)])
        run([str(UV), "pip", "install", "--quiet", "--python", str(python), *requirements])
        made.write_text(asked, encoding="utf-8")
    return python


def run(command: list[str], **place: Any) -> None:
    """Runs a command to its end, quietly; what it printed is in the error."""
    subprocess.run(command, check=True, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, **place)


def reason(error: Exception) -> str:
    """The last line that a command printed, or the error's own words."""
    printed = (getattr(error, "stderr", None) or "").strip().splitlines()
    return printed[-1][:300] if printed else f"{type(error).__name__}: {error}"[:300]


def checked(name: str, result: Mapping[str, Any], url: str) -> Check:
    """What came of a check; sums of logprobs that the client tells must be ours too."""
    if result["failure"] is not None or not result["told"]:
        return Check(name, result["name"], result["failure"])
    try:
        apart = [abs(asyncio.run(own_logprob(one["windows"], url)) - one["logprob"]) for one in result["told"]]
    except EndpointError as error:
        return Check(name, result["name"], f"our reference: {error}"[:300])
    told = f"{len(apart)} sums, at most {np.max(apart):.0e} from ours"  # not max(), which passes over NaN
    return Check(name, result["name"], None if np.max(apart) <= TOLERANCE else told, told)


async def own_logprob(windows: Sequence[Sequence[Sequence[int]]], url: str) -> float:
    """The sum of the logprobs of all outputs, each behind its prompt, by this package's reference; in nats."""
    async with connect(f"{url}/v1", max_retries=0) as client:
        reference = VllmReference(client, DEMO)
        batch = await reference.topk([TokenSequence(*window) for window in windows], progress=False)
    place = np.repeat(np.arange(len(batch.claimed)), np.diff(batch.indptr))
    found = batch.token_ids == batch.claimed[place]
    values = batch.claimed_logprob.astype(np.float64)  # of those that their row lacks
    values[place[found]] = batch.logprobs[found]
    return float(values.sum())


def row(check: Check) -> str:
    """A line of the table."""
    package = CLIENTS[check.client].requirements[0].replace("[api]", "")
    held = f"held; {check.note}" if check.note else "held"
    return f"{package:26} {check.name:22} {held if check.failure is None else f'FAILED: {check.failure}'}"


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", choices=CLIENTS, help="try this client alone")
    return parser.parse_args(arguments)


def main() -> int:
    """Tries the clients, says what failed."""
    only = parse_arguments().only
    checks = try_clients([only] if only else list(CLIENTS))
    failed = [check for check in checks if check.failure is not None]
    print(f"{len(checks) - len(failed)} of {len(checks)} held")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
