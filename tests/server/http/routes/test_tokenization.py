"""``/tokenize`` and ``/detokenize``."""

from __future__ import annotations

from typing import Any

import httpx2

from token_difr.server.model.folder import ModelFolder

MESSAGES: list[Any] = [{"role": "user", "content": "What does str.join do?"}]


def chat(http: httpx2.Client) -> dict[str, Any]:
    """A chat answer's JSON."""
    body = {"messages": MESSAGES, "max_tokens": 1, "return_token_ids": True}
    answer: dict[str, Any] = http.post("/v1/chat/completions", json=body).json()
    return answer


def test_tokenize_and_back(http: httpx2.Client, folder: ModelFolder) -> None:
    """Texts and conversations become the ids that the model is fed, and ids become text again."""
    ids = folder.tokenizer.encode("a 🎉", add_special_tokens=True)
    answer = http.post("/tokenize", json={"prompt": "a 🎉", "return_token_strs": True}).json()

    assert answer["tokens"] == ids
    assert (answer["count"], answer["max_model_len"]) == (len(ids), 1024)
    assert len(answer["token_strs"]) == len(ids)
    assert http.post("/detokenize", json={"tokens": ids}).json() == {"prompt": "a 🎉"}
    conversation = http.post("/tokenize", json={"messages": MESSAGES}).json()["tokens"]
    assert conversation == chat(http)["prompt_token_ids"]
    for wrong in ({}, {"prompt": "x", "messages": MESSAGES}):
        assert http.post("/tokenize", json=wrong).status_code == 400
