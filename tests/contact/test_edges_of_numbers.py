"""Kind 6: zeros taken for nothing, ranges with one end, and the scope of a draw."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from patience import PATIENCE_SECONDS
from token_difr.server import ModelService, ServerSettings
from token_difr.server.listening import running
from token_difr.server.model.folder import DEMO


@pytest.mark.parametrize("value", ["0", "-1", "1.5"])
def test_a_forced_top_p_out_of_range(run_cli: Any, value: str) -> None:
    """Nothing is announced and nothing started."""
    code, output, error = run_cli("serve", "demo", "--force-top-p", value)
    assert (code, output) == (2, "")
    assert "top-p" in error or "top_p" in error


def test_equal_prompts_of_a_list_without_a_seed(http: httpx2.Client) -> None:
    """Each is drawn by itself, on both routes."""
    body = {"prompt": ["The list"] * 6, "max_tokens": 16, "temperature": 1.0}
    texts = {one["text"] for one in http.post("/v1/completions", json=body).json()["choices"]}
    native = {"text": ["The list"] * 6, "sampling_params": {"max_new_tokens": 16, "temperature": 1.0}}
    drawn = {one["text"] for one in http.post("/generate", json=native).json()}
    assert len(texts) > 1
    assert len(drawn) > 1


def test_minus_one_asks_for_all_in_every_field_of_logprobs(http: httpx2.Client) -> None:
    """It is given everywhere, or refused everywhere."""
    chat: dict[str, Any] = {"messages": [{"role": "user", "content": "x"}], "max_tokens": 1}
    completion: dict[str, Any] = {"prompt": "x", "max_tokens": 1}
    bodies = [
        ("/v1/completions", {**completion, "logprobs": -1}),
        ("/v1/completions", {**completion, "logprobs": True, "top_logprobs": -1}),
        ("/v1/completions", {**completion, "prompt_logprobs": -1}),
        ("/v1/chat/completions", {**chat, "logprobs": True, "top_logprobs": -1}),
        ("/v1/chat/completions", {**chat, "prompt_logprobs": -1}),
        ("/generate", {"text": "x", "return_logprob": True, "top_logprobs_num": -1}),
    ]
    assert [http.post(path, json=body).status_code for path, body in bodies] == [400] * len(bodies)
    with (
        running(ModelService(ServerSettings(model=DEMO, max_logprobs=-1))) as url,
        httpx2.Client(base_url=url, timeout=PATIENCE_SECONDS) as generous,
    ):
        assert [generous.post(path, json=body).status_code for path, body in bodies] == [200] * len(bodies)
