"""What a complete OpenAI-compatible server does, line by line, as far as other files of this folder do not show it."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest
from numpy.typing import NDArray
from openai import OpenAI
from openai.types import Completion, Model
from openai.types.chat import ChatCompletion

from patience import PATIENCE_SECONDS
from token_difr.engine import ForwardPass, KeyValues
from token_difr.server import ModelService, ServerSettings
from token_difr.server.generation import Generation, GenerationSpec, Scheduler
from token_difr.server.http import backend
from token_difr.server.listening import running
from token_difr.server.model.folder import DEMO, ModelFolder
from token_difr.testing.scripted_engine import ScriptedEngine

MESSAGES: list[Any] = [{"role": "user", "content": "What does str.join do?"}]


def post(http: httpx2.Client, path: str = "/v1/completions", **fields: Any) -> httpx2.Response:
    prompt = {"messages": MESSAGES} if "chat" in path else {"prompt": "The list"}
    return http.post(path, json={**prompt, "max_tokens": 4, **fields})


@pytest.mark.parametrize(
    ("path", "model", "fields"),
    [
        ("/v1/completions", Completion, {}),
        ("/v1/completions", Completion, {"logprobs": 3, "n": 2}),
        ("/v1/chat/completions", ChatCompletion, {}),
        ("/v1/chat/completions", ChatCompletion, {"logprobs": True, "top_logprobs": 3, "n": 2}),
    ],
)
def test_sdk_models_accept_answers_strictly(
    http: httpx2.Client, path: str, model: type[Completion | ChatCompletion], fields: dict[str, Any]
) -> None:
    """The openai SDK's typed models validate every answer in pydantic's strict mode."""
    model.model_validate_json(post(http, path, **fields).text, strict=True)


def test_models_list(http: httpx2.Client, client: OpenAI) -> None:
    """A list of one model, whose creation time stays the same; an unknown name is a 404."""
    first, second = (http.get("/v1/models").json() for _ in range(2))

    assert first == second
    assert first["object"] == "list"
    Model.model_validate(first["data"][0], strict=True)
    assert client.models.retrieve("demo").id == "demo"
    assert http.get("/v1/models/other").status_code == 404


def test_ids_never_collide(http: httpx2.Client) -> None:
    """Every answer has an id of its own, with OpenAI's prefix."""
    ids = [post(http).json()["id"] for _ in range(20)] + [
        post(http, "/v1/chat/completions").json()["id"] for _ in range(20)
    ]

    assert len(set(ids)) == 40
    assert ids[0].startswith("cmpl-")
    assert ids[-1].startswith("chatcmpl-")


def test_defaults_are_openais(http: httpx2.Client) -> None:
    """Temperature 1, all filters and penalties off: spelled out, they give the answer that nothing gives."""
    spelled: dict[str, Any] = {
        "temperature": 1.0,
        "top_p": 1.0,
        "top_k": -1,
        "min_p": 0.0,
        "presence_penalty": 0,
        "frequency_penalty": 0,
        "repetition_penalty": 1.0,
        "logit_bias": {},
        "n": 1,
        "stop": None,
        "echo": False,
        "stream": False,
        "max_tokens": 16,
    }
    plain = http.post("/v1/completions", json={"prompt": "The list", "seed": 1}).json()["choices"][0]

    assert post(http, seed=1, **spelled).json()["choices"][0] == plain


@pytest.mark.parametrize("path", ["/v1/completions", "/v1/chat/completions"])
def test_greedy_streams_ignore_filters(http: httpx2.Client, path: str) -> None:
    """A stream at temperature 0 with top_p works, and equals the plain greedy answer."""

    def text(answer: httpx2.Response) -> str:
        chunks = [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: {")]
        choices = [choice for chunk in chunks for choice in chunk["choices"]]
        return "".join(choice["text"] if "text" in choice else choice["delta"].get("content", "") for choice in choices)

    plain, filtered = (
        post(http, path, temperature=0, stream=True, **fields) for fields in ({}, {"top_p": 0.1, "min_p": 0.5})
    )
    assert text(plain) == text(filtered) != ""


def test_answer_text_is_unaltered(folder: ModelFolder) -> None:
    """Nothing is stripped: leading space, role names and markers of other models stay, as they were generated."""
    said = "  Assistant: yes\nUser: no</s><|end|> \n"
    engine = ScriptedEngine(
        [*folder.tokenizer.encode(said, add_special_tokens=False), *folder.end_token_ids], folder.tokenizer.size
    )
    with (
        running(ModelService(ServerSettings(model=DEMO), engine)) as url,
        httpx2.Client(base_url=url, timeout=PATIENCE_SECONDS) as http,
    ):
        assert post(http, max_tokens=200, temperature=0).json()["choices"][0]["text"] == said
        chat = post(http, "/v1/chat/completions", max_tokens=200, temperature=0).json()["choices"][0]

    assert chat["message"]["content"] == said
    assert "tool_calls" not in chat["message"]
    assert "reasoning_content" not in chat["message"]


def test_stop_at_the_last_token_is_a_stop(folder: ModelFolder) -> None:
    """A stop string that is complete with the last allowed token wins over length; so does the end token."""
    script = folder.tokenizer.encode("abc def", add_special_tokens=False)
    engine = ScriptedEngine([*script, *folder.end_token_ids], folder.tokenizer.size)
    with (
        running(ModelService(ServerSettings(model=DEMO), engine)) as url,
        httpx2.Client(base_url=url, timeout=PATIENCE_SECONDS) as http,
    ):
        stopped = post(http, max_tokens=len(script), temperature=0, stop="def").json()["choices"][0]
        kept = post(http, max_tokens=9, temperature=0, stop="def", include_stop_str_in_output=True).json()["choices"][0]
        ended = post(http, max_tokens=len(script) + 1, temperature=0).json()["choices"][0]
        cut = post(http, max_tokens=len(script), temperature=0).json()["choices"][0]

    assert (stopped["text"], stopped["finish_reason"]) == ("abc ", "stop")
    assert kept["text"] == "abc def"
    assert (ended["text"], ended["finish_reason"]) == ("abc def", "stop")
    assert cut["finish_reason"] == "length"


def test_quiet_streams_are_kept_alive(folder: ModelFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """While nothing comes, comment lines do."""
    monkeypatch.setattr(backend, "KEEP_ALIVE_SECONDS", 0.05)
    engine = ScriptedEngine([*folder.end_token_ids], folder.tokenizer.size, seconds_a_token=2)
    with (
        running(ModelService(ServerSettings(model=DEMO), engine)) as url,
        httpx2.Client(base_url=url, timeout=PATIENCE_SECONDS) as http,
    ):
        lines = post(http, stream=True).text.splitlines()

    assert lines.count(": keep-alive") >= 2
    assert lines[-2] == "data: [DONE]"


def test_failures_are_counted(http: httpx2.Client) -> None:
    """Every error shows in the metrics, with its status."""
    post(http, temperature=-1)
    text = http.get("/metrics").text

    assert 'token_difr_requests_total{path="/v1/completions",status="400"}' in text


@pytest.mark.parametrize(
    ("generation", "config", "ends"),
    [
        ({"eos_token_id": [2, 5]}, {"eos_token_id": 1}, {2, 5}),
        ({}, {"eos_token_id": 1}, {1}),
        ({}, {"eos_token_id": None}, {0, 2}),
    ],
)
def test_end_tokens_are_the_models(
    folder: ModelFolder, tmp_path: Path, generation: dict[str, Any], config: dict[str, Any], ends: set[int]
) -> None:
    """The generation configuration first, then the configuration; usual names only where neither gives one."""
    (tmp_path / "tokenizer.json").write_bytes((folder.path / "tokenizer.json").read_bytes())
    (tmp_path / "config.json").write_text(json.dumps({"max_position_embeddings": 64, **config}))
    (tmp_path / "generation_config.json").write_text(json.dumps(generation))

    assert ModelFolder.open(tmp_path).end_token_ids == ends


def test_model_without_template_has_no_chat(folder: ModelFolder, tmp_path: Path) -> None:
    """No template is put in place of a missing one: chat is refused, completions work."""
    for name in ("tokenizer.json", "config.json", "model.safetensors"):
        (tmp_path / name).write_bytes((folder.path / name).read_bytes())
    with (
        running(ModelService(ServerSettings(model=tmp_path, name="m"))) as url,
        httpx2.Client(base_url=url, timeout=PATIENCE_SECONDS) as http,
    ):
        assert post(http).status_code == 200
        answer = post(http, "/v1/chat/completions")

    assert answer.status_code == 400
    assert "no chat template" in answer.json()["error"]["message"]


def test_message_forms(http: httpx2.Client) -> None:
    """Content as text, as parts, empty and null, and the fields that only clients need, are all understood."""
    forms: list[list[dict[str, Any]]] = [
        [
            {
                "role": "user",
                "content": [{"type": "text", "text": "What does "}, {"type": "text", "text": "str.join do?"}],
            }
        ],
        [{"role": "user", "content": "What does str.join do?", "name": "Ann"}],
    ]
    expected = post(http, "/v1/chat/completions", temperature=0).json()["choices"][0]["message"]
    for messages in forms:
        answer = post(http, "/v1/chat/completions", messages=messages, temperature=0, user="u", store=True)

        assert answer.json()["choices"][0]["message"] == expected
    empty = [*MESSAGES, {"role": "assistant", "content": None}, {"role": "assistant", "content": ""}, *MESSAGES]
    assert post(http, "/v1/chat/completions", messages=empty).status_code == 200
    image = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:"}}]}]
    assert post(http, "/v1/chat/completions", messages=image).status_code == 400


class WideEngine:
    """A vocabulary of 128,256 without a model."""

    vocabulary_size = 128_256

    def __init__(self) -> None:
        self._row = np.random.default_rng(0).normal(size=self.vocabulary_size).astype(np.float32)

    def empty_cache(self) -> KeyValues:
        """No columns."""
        return [np.zeros((1, 1, 0, 1), dtype=np.float32)]

    def forward(
        self,
        token_ids: NDArray[np.int64],
        positions: NDArray[np.int64],
        mask: NDArray[np.int64],
        cache: KeyValues,
        *,
        logits_from: int = 0,
    ) -> ForwardPass:
        """The same row everywhere."""
        del positions, mask, cache
        logits = np.repeat(self._row[None], token_ids.size - logits_from, axis=0)[None]
        return ForwardPass(logits, [np.zeros((1, 1, token_ids.size, 1), dtype=np.float32)])


def test_long_prompts_are_scored_in_bounded_memory() -> None:
    """1,024 tokens at V = 128,256 take at most 160 MB beside the model: their logits at once would take 525 MB."""
    scheduler = Scheduler(WideEngine(), prefix_cache_bytes=0)
    generation = Generation(GenerationSpec(prompt=[5] * 1024, max_tokens=0, prompt_logprobs=20), 128_256)
    scheduler.submit(generation)
    tracemalloc.start()
    scheduler.start()
    scheduler.stop()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert generation.prompt_rows is not None
    assert len(generation.prompt_rows) == 1023
    assert peak < 160e6
