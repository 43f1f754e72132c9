"""Kind 2: numbers, sizes and text from outside without a bound.

Elsewhere: bodies of requests, ``tests/server/http/test_memory.py``; ten kinds of numbers on all paths,
``tests/end_to_end/test_hostile_numbers.py``.
"""

from __future__ import annotations

import asyncio
import json
import math
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from token_difr import _core
from token_difr.endpoint import post
from token_difr.errors import EndpointError, InputError
from token_difr.reference.rows import RowsAsked
from token_difr.sequences import load_tokenizer, rendered_text, template_limits
from token_difr.server.model import chat_template
from token_difr.services import open_client

MESSAGES: list[Any] = [{"role": "user", "content": "x"}]
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n"


@pytest.mark.parametrize(
    "number", ["9" * 4300, "1" + "0" * 400, "true", "-7"], ids=["4,300 nines", "10**400", "true", "negative"]
)
def test_a_count_of_tokens_that_is_none(endpoint: Any, run_cli: Any, command: list[object], number: str) -> None:
    """It ends nothing, counts for nothing and fills no line."""

    def answer(path: str, body: dict[str, Any]) -> tuple[int, Any]:
        status, content = endpoint.honest(path, body)
        if path.endswith("/chat/completions"):
            content["usage"]["prompt_tokens"] = "NUMBER"
        return status, json.dumps(content).replace('"NUMBER"', number).encode()

    endpoint.answer = answer
    code, output, error = run_cli(*command)
    assert code == 3
    assert number[:50] not in (output + error if len(number) > 9 else "")
    assert "counts True" not in output + error
    assert "counts -7" not in output + error


def zeros(size: int) -> bytes:
    compressor = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    block = b" " * 10**6
    return b"".join([*(compressor.compress(block) for _ in range(size // 10**6)), compressor.flush()])


@pytest.mark.parametrize("compressed", [True, False], ids=["a bomb of gzip", "a body that does not end"])
def test_an_answer_without_a_bound(raw: Any, compressed: bool) -> None:
    """It is read up to the limit and held no longer."""
    body = b"content-encoding: gzip\r\n\r\n" + zeros(40 * 10**6) if compressed else b"\r\n" + b" " * 4 * 10**6

    async def ask() -> None:
        async with raw(HEAD + body) as (url, _), open_client(url, max_retries=0, max_answer_mb=1) as client:
            await post(client, "/chat/completions", {}, model="m")

    tracemalloc.start()
    try:
        with pytest.raises(EndpointError, match="--max-answer-mb"):
            asyncio.run(ask())
        assert tracemalloc.get_traced_memory()[1] < 30e6
    finally:
        tracemalloc.stop()


def test_the_lowest_float_is_minus_infinity() -> None:
    """As llama.cpp's servers write it."""
    entries = '[{"id": 5, "logprob": -0.1}, {"id": 6, "logprob": -3.4028234663852886e38}]'
    answer = f'{{"completion_probabilities": [{{"id": 5, "top_logprobs": {entries}}}]}}'
    rows = _core.parse("next-token", answer.encode(), RowsAsked(np.array([7, 5], np.uint32), 1, 2))
    assert rows.logprobs.tolist() == [np.float32(-0.1), -math.inf]


TEMPLATES = {
    "a long range": "{% for i in range(10**9) %}x{% endfor %}",
    "a long text": '{{ "x" * 10**11 }}',
    "a text that doubles": "{% set a = namespace(t='x') %}{% for i in range(99) %}{% set a.t = a.t ~ a.t %}{% endfor %}",
    "loops in loops": "{% for i in range(9999) %}{% for j in range(9999) %}{% endfor %}{% endfor %}",
}


@pytest.mark.parametrize("template", TEMPLATES.values(), ids=TEMPLATES)
def test_a_template_without_a_bound(template: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the client's side it is the input's fault, and it ends."""
    monkeypatch.setattr(template_limits, "RENDER_SECONDS", 0.05)
    tokenizer: Any = load_tokenizer("demo")
    monkeypatch.setattr(tokenizer, "chat_template", template)
    with pytest.raises(InputError, match="chat template"):
        rendered_text(MESSAGES, tokenizer, add_generation_prompt=True)


@pytest.mark.parametrize("template", TEMPLATES.values(), ids=TEMPLATES)
def test_a_template_without_a_bound_at_the_server(
    template: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, saying: Any
) -> None:
    """It answers 400."""
    monkeypatch.setattr(chat_template, "RENDER_SECONDS", 0.05)
    file = tmp_path / "template.jinja"
    file.write_text(template)
    with saying("x", template=file) as http:
        assert http.post("/v1/chat/completions", json={"messages": MESSAGES}).status_code == 400
