"""The command line ``llm``, with the server in its file of models."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

home = tempfile.TemporaryDirectory()
os.environ["LLM_USER_PATH"] = home.name

import llm  # noqa: E402 - it looks for its folder when it is imported
from checking import CITY, SCRIPTED_V1, V1, expect, run_checks  # noqa: E402
from click.testing import CliRunner  # noqa: E402
from llm.cli import cli  # noqa: E402

Path(home.name, "extra-openai-models.yaml").write_text(
    "".join(
        f"- {{model_id: {model}, model_name: {model}, api_base: {url}, api_key_name: none, supports_tools: true}}\n"
        for model, url in (("demo", V1), ("caller", SCRIPTED_V1))
    ),
    encoding="utf-8",
)
os.environ["OPENAI_API_KEY"] = "EMPTY"


def said(*arguments: str, typed: str | None = None) -> str:
    """What the command line prints."""
    done = CliRunner().invoke(cli, list(arguments), input=typed)
    if done.exception is not None:
        expect(isinstance(done.exception, SystemExit) and done.exit_code == 0, f"{done.exception!r} {done.output}")
    return done.output


def prompt() -> None:
    """A prompt, in a stream and whole."""
    options = ("-m", "demo", "-o", "temperature", "0", "-o", "max_tokens", "12")
    streamed = said(*options, "What does str.join do?")
    expect(streamed.strip() and streamed == said("--no-stream", *options, "What does str.join do?"), streamed)


def log() -> None:
    """The log has the conversation and the usage."""
    logged = json.loads(said("logs", "-n", "1", "--json"))[0]
    expect(logged["model"] == "demo" and logged["response"] and logged["output_tokens"] == 12, logged)


def chat() -> None:
    """A conversation goes on."""
    output = said("chat", "-m", "demo", "-o", "max_tokens", "8", typed="Hello\nAnd then?\nexit\n")
    expect(output.count("> ") >= 3, output)
    logged = json.loads(said("logs", "-n", "2", "--json"))
    expect(len({entry["conversation_id"] for entry in logged}) == 1, logged)


def tools() -> None:
    """A call, as the library gives it."""

    def Weather(city: str) -> str:  # noqa: N802 - the function that the scripted model calls
        """The weather of a city."""
        return f"rain in {city}"

    answer: Any = llm.get_model("caller").prompt("What is the weather?", tools=[Weather])
    made = answer.tool_calls()
    expect(made[0].name == "Weather" and made[0].arguments == {"city": CITY}, made)


run_checks({"prompt": prompt, "logs": log, "chat": chat, "tools": tools})
