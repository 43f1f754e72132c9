"""Kind 7: spans that are cut out of a text without a look at what remains."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx2
import pytest

from token_difr.demo_model import MODEL_FOLDER
from token_difr.errors import InputError
from token_difr.server import ModelService, ServerSettings
from token_difr.server.answers.tool_call_collector import ToolCallCollector
from token_difr.server.answers.tool_calls import parse_tool_calls
from token_difr.server.model.folder import ModelFolder
from token_difr.testing.scripted_engine import ScriptedEngine

TOOLS: dict[str, Any] = {"time": None}
TIME = '{"name": "time", "arguments": {}}'


@pytest.mark.parametrize(
    ("text", "content", "calls"),
    [
        (f"[{TIME}, {TIME}]", "", 2),
        ('<tool_call>{"name": "time", "arguments": {"a": "</tool_call>"}}</tool_call>', "", 1),
        ('{"name": "time", "arguments": "not json"}', None, 0),
        ('{"name": "time", "arguments": {"a": NaN}}', None, 0),
    ],
    ids=["a list of calls", "a tag in an argument", "arguments that are no JSON", "NaN"],
)
def test_calls_and_what_is_left_of_the_text(text: str, content: str | None, calls: int) -> None:
    """Nothing of a call stays behind, and what is none stays whole."""
    found = parse_tool_calls(text, TOOLS)
    assert (len(found.calls), found.content) == (calls, text if content is None else content)


def test_a_forced_call_that_fails() -> None:
    """What the prompt began is no content."""
    collector = ToolCallCollector(TOOLS, begun='<tool_call>\n{"name": "time", "arguments": ')
    assert collector.push("no JSON") + collector.close().content == "no JSON"


@pytest.mark.parametrize("kept", [False, True])
def test_a_token_that_stops(http: httpx2.Client, kept: bool) -> None:
    """It is the stop reason, and in the text if that is asked for."""
    body: dict[str, Any] = {"prompt": "The list", "max_tokens": 6, "temperature": 0, "return_token_ids": True}
    plain = http.post("/v1/completions", json=body).json()["choices"][0]
    stop = {"stop_token_ids": [plain["token_ids"][2]], "include_stop_str_in_output": kept}
    stopped = http.post("/v1/completions", json={**body, **stop}).json()["choices"][0]
    before = plain["token_ids"].index(plain["token_ids"][2])
    shown = http.post("/detokenize", json={"tokens": plain["token_ids"][: before + kept]}).json()["prompt"]
    assert stopped["stop_reason"] == plain["token_ids"][2]
    assert stopped["text"] == shown


def test_reasoning_under_both_names(saying: Any) -> None:
    """Both are sent and both are taken."""
    user = {"role": "user", "content": "x"}
    with saying("<think>hm</think>yes") as http:
        said = http.post("/v1/chat/completions", json={"messages": [user], "temperature": 0}).json()
        message = said["choices"][0]["message"]
        assert (message["reasoning"], message["reasoning_content"], message["content"]) == ("hm", "hm", "yes")
        for name in ("reasoning", "reasoning_content"):
            turn = {"role": "assistant", "content": "yes", name: "hm"}
            body = {"messages": [user, turn, user], "max_tokens": 1}
            assert http.post("/v1/chat/completions", json=body).status_code == 200


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The demo's tokenizer in a folder that names no end token in its configurations."""
    (tmp_path / "tokenizer.json").write_bytes((MODEL_FOLDER / "tokenizer.json").read_bytes())
    (tmp_path / "config.json").write_text(json.dumps({"max_position_embeddings": 64}))
    return tmp_path


def test_the_end_token_of_the_tokenizers_configuration(copy: Path) -> None:
    """It ends answers."""
    (copy / "tokenizer_config.json").write_text(json.dumps({"eos_token": "the"}))
    folder = ModelFolder.open(copy)
    assert folder.end_token_ids == {folder.tokenizer.token_id("the")}


def test_an_end_token_outside_the_vocabulary(copy: Path) -> None:
    """It is refused."""
    (copy / "config.json").write_text(json.dumps({"max_position_embeddings": 64, "eos_token_id": 10**6}))
    with pytest.raises(InputError, match="eos_token_id"):
        ModelService(ServerSettings(model=copy), ScriptedEngine([1], 2048))
