"""Dialects that the reference server does not speak itself, made of those that it does.

Each stand-in listens on a port of its own, asks a token-difr server, and writes the answer in another form: llama.cpp's
``/completion``, and Together's completions with the prompt's lists in ``prompt[0].logprobs``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2

from token_difr.testing.loopback import Answer, Request, json_answer, serving

__all__ = ["llama_cpp_in_front_of", "together_in_front_of"]

_LISTS = ("tokens", "token_logprobs", "top_logprobs", "token_ids")


@contextmanager
def llama_cpp_in_front_of(url: str) -> Iterator[str]:
    """llama.cpp's server with the model of the token-difr server at ``url``; yields its base URL."""
    with httpx2.Client(base_url=url, timeout=60, trust_env=False) as server:

        def answer(request: Request) -> Answer:
            if request.path != "/completion":
                return json_answer({"error": {"code": 404, "message": "File Not Found"}}, 404)
            return _llama_cpp(server, request.body)

        with serving(answer) as address:
            yield address


@contextmanager
def together_in_front_of(url: str, *, with_ids: bool = True) -> Iterator[str]:
    """Together with the model of the token-difr server at ``url``; yields its base URL.

    Args:
        url: Base URL of the server.
        with_ids: Write ``token_ids`` too, as floats; they are optional there.
    """
    with httpx2.Client(base_url=url, timeout=60, trust_env=False) as server:

        def answer(request: Request) -> Answer:
            if not isinstance(request.body.get("prompt"), str):
                return json_answer({"error": {"message": "prompt: expected a string"}}, 422)
            return _together(server, request.body, with_ids=with_ids)

        with serving(answer) as address:
            yield address


def _llama_cpp(server: httpx2.Client, body: dict[str, Any]) -> Answer:
    asked = {
        "input_ids": body["prompt"],
        "sampling_params": {"max_new_tokens": body["n_predict"], "temperature": body["temperature"]},
        "return_logprob": True,
        "top_logprobs_num": body["n_probs"],
        "return_text_in_logprobs": True,
    }
    given = server.post("/generate", json=asked)
    if given.status_code != 200:
        return Answer(given.status_code, "application/json", given.content)
    meta = given.json()["meta_info"]
    rows = zip(meta["output_token_logprobs"], meta["output_top_logprobs"], strict=True)
    entries = [{**_llama_entry(own), "top_logprobs": [_llama_entry(other) for other in top]} for own, top in rows]
    return json_answer({"content": given.json()["text"], "stop": True, "completion_probabilities": entries})


def _llama_entry(triple: list[Any]) -> dict[str, Any]:
    logprob, token, text = triple
    return {"id": token, "token": text, "bytes": list(text.encode()), "logprob": logprob}


def _together(server: httpx2.Client, body: dict[str, Any], *, with_ids: bool) -> Answer:
    given = server.post("/v1/completions", json=body)
    if given.status_code != 200:
        return Answer(given.status_code, "application/json", given.content)
    whole = given.json()
    (choice,) = whole["choices"]
    lists = choice["logprobs"]
    lists["token_ids"] = [float(token) for token in lists["token_ids"]]
    names = [name for name in _LISTS if with_ids or name != "token_ids"]
    echoed = len(lists["tokens"]) - whole["usage"]["completion_tokens"]
    whole["prompt"] = [{"text": body["prompt"], "logprobs": {name: lists[name][:echoed] for name in names}}]
    choice["logprobs"] = {name: lists[name][echoed:] for name in names}
    return json_answer(whole)
