"""inspect-ai's provider for servers that speak OpenAI's."""

from __future__ import annotations

import asyncio
import os
import tempfile
from typing import Any

from checking import CITY, SCRIPTED_V1, V1, expect, run_checks

os.environ.update(LOCAL_BASE_URL=V1, LOCAL_API_KEY="EMPTY", INSPECT_DISPLAY="none")
os.environ.update(SCRIPTED_BASE_URL=SCRIPTED_V1, SCRIPTED_API_KEY="EMPTY")

from inspect_ai import Task
from inspect_ai import eval as evaluate
from inspect_ai.dataset import Sample
from inspect_ai.model import GenerateConfig, get_model
from inspect_ai.scorer import includes
from inspect_ai.solver import generate
from inspect_ai.tool import ToolInfo, ToolParams
from inspect_ai.util import JSONSchema

QUESTIONS = ["What does str.join do?", "What is a list?"]


def task() -> None:
    """A task of two samples ends well, and every token has its logprob."""
    config = GenerateConfig(max_tokens=8, temperature=0, logprobs=True, top_logprobs=3, seed=1)
    asked = Task([Sample(text, target="a") for text in QUESTIONS], solver=generate(), scorer=includes(), config=config)
    with tempfile.TemporaryDirectory() as folder:
        (log,) = evaluate(asked, model="openai-api/local/demo", log_dir=folder, display="none")
        expect(log.status == "success" and log.samples and len(log.samples) == 2, log.error)
        for sample in log.samples:
            rows = sample.output.choices[0].logprobs
            expect(rows and len(rows.content) == 8 and len(rows.content[0].top_logprobs or []) == 3, rows)


def tools() -> None:
    """A call."""
    city = ToolParams(properties={"city": JSONSchema(type="string", description="The city.")}, required=["city"])
    tool = ToolInfo(name="Weather", description="The weather of a city.", parameters=city)
    model = get_model("openai-api/scripted/caller")
    output: Any = asyncio.run(model.generate("What is the weather?", tools=[tool]))
    expect(output.message.tool_calls[0].arguments == {"city": CITY}, output)


run_checks({"a task with logprobs": task, "tools": tools})
