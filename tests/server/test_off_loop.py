"""Nothing that takes long holds up the others, and no client can hold a place without asking."""

from __future__ import annotations

import socket
import threading
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers

from patience import PATIENCE_SECONDS
from token_difr.server import ModelService, ServerSettings
from token_difr.server.answers.requests.error import ApiError
from token_difr.server.answers.requests.limits import Limits
from token_difr.server.listening import running
from token_difr.server.model.chat_template import ChatTemplate
from token_difr.server.model.folder import DEMO, ModelFolder
from token_difr.server.model.tokenizer import ModelTokenizer

BODIES: list[tuple[str, dict[str, Any]]] = [
    ("/v1/completions", {"prompt": "slow", "max_tokens": 1}),
    ("/v1/chat/completions", {"messages": [{"role": "user", "content": "slow"}], "max_tokens": 1}),
    ("/generate", {"text": "slow", "sampling_params": {"max_new_tokens": 1}}),
    ("/tokenize", {"prompt": "slow"}),
]


@pytest.mark.parametrize(("path", "body"), BODIES)
def test_health_answers_while_a_prompt_is_tokenized(
    url: str, monkeypatch: pytest.MonkeyPatch, path: str, body: dict[str, Any]
) -> None:
    """On every route that takes a text."""
    entered, go_on = threading.Event(), threading.Event()
    usual = ModelTokenizer.encode

    def encode(self: ModelTokenizer, text: str, *, add_special_tokens: bool) -> list[int]:
        if "slow" in text:
            entered.set()
            go_on.wait(PATIENCE_SECONDS)
        return usual(self, text, add_special_tokens=add_special_tokens)

    monkeypatch.setattr(ModelTokenizer, "encode", encode)
    statuses: list[int] = []
    asking = threading.Thread(
        target=lambda: statuses.append(httpx2.post(url + path, json=body, timeout=PATIENCE_SECONDS).status_code)
    )
    asking.start()
    assert entered.wait(PATIENCE_SECONDS)
    assert httpx2.get(f"{url}/health", timeout=PATIENCE_SECONDS).status_code == 200
    assert not statuses
    go_on.set()
    asking.join()
    assert statuses == [200]


def test_health_answers_while_a_template_renders(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A template is a program of somebody else's."""
    entered, go_on = threading.Event(), threading.Event()

    def render(self: ChatTemplate, *_: Any, **__: Any) -> str:
        del self
        entered.set()
        go_on.wait(PATIENCE_SECONDS)
        return "x"

    monkeypatch.setattr(ChatTemplate, "render", render)
    asking = threading.Thread(
        target=lambda: httpx2.post(url + BODIES[1][0], json=BODIES[1][1], timeout=PATIENCE_SECONDS)
    )
    asking.start()
    assert entered.wait(PATIENCE_SECONDS)
    assert httpx2.get(f"{url}/health", timeout=PATIENCE_SECONDS).status_code == 200
    go_on.set()
    asking.join()


def test_texts_that_cannot_fit_are_refused_by_their_bytes(folder: ModelFolder) -> None:
    """No token stands for more bytes than the longest one; what could still fit is not refused."""
    longest = folder.tokenizer.longest_token_bytes
    assert longest is not None
    limits = Limits(context_length=8, vocabulary_size=9, max_logprobs=1, max_sequences=1, bytes_a_token=longest)
    limits.check_text("x" * 8 * longest)
    with pytest.raises(ApiError, match="at least 9 tokens"):
        limits.check_text("x" * (8 * longest + 1))
    for text in ("a longer text, with ümlauts and 日本", " " * 100, "\n\n\n    return self"):
        assert len(folder.tokenizer.encode(text, add_special_tokens=False)) * longest >= len(text.encode())


@pytest.mark.parametrize(
    ("change", "longest"),
    [
        (lambda _: None, 4),
        (lambda made: setattr(made, "normalizer", normalizers.NFC()), 16),
        (lambda made: setattr(made, "normalizer", normalizers.Strip()), None),
        (lambda made: setattr(made, "pre_tokenizer", pre_tokenizers.WhitespaceSplit()), None),
        (lambda made: made.add_tokens([AddedToken("<a>", rstrip=True)]), None),
        (lambda made: made.add_tokens([AddedToken("<longer>")]), 8),
        (lambda made: setattr(made, "decoder", decoders.WordPiece()), None),
    ],
)
def test_tokenizers_that_shorten_text_have_no_longest_token(change: Any, longest: int | None) -> None:
    """Where white space or unknown characters vanish, any text may have few tokens."""
    made = Tokenizer(models.BPE({"a": 0, "aaaa": 1}, []))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    change(made)

    assert ModelTokenizer(made).longest_token_bytes == longest


def test_connections_that_send_no_request_are_closed() -> None:
    """Nothing at all, half a header, half a body, and half of a second request behind an answer."""
    with running(ModelService(ServerSettings(model=DEMO, request_seconds=0.3))) as url:
        place = urlsplit(url)
        beginnings = [
            b"",
            b"GET /health HTTP/1.1\r\nHost: x\r\n",
            b"POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{",
            b"GET /health HTTP/1.1\r\nHost: x\r\n\r\nGET /hea",
        ]
        for beginning in beginnings:
            with socket.create_connection((place.hostname, place.port), timeout=PATIENCE_SECONDS) as client:
                client.sendall(beginning)
                while client.recv(4096):
                    pass
