"""Tokenizers of GGUF files against the tokenizers of real models."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tokenizers import Regex, pre_tokenizers

from real_tokenizers import QWEN_PATTERN, package_folder, real_tokenizer
from token_difr.errors import InputError, UnsupportedModelError
from token_difr.gguf.tokenizer import end_token_ids, special_tokens, tokenizer_of

TEXTS = [
    "Hello, world! It's 2,026 o'clock; I'll go.",
    "  two spaces, a tab\tand\n\nlines\r\n   x ",
    "Ünïcödé: naïve café, \u2019quoted\u2019 — größer, Ελληνικά, русский, 中文字符, 日本語テスト, हिन्दी",
    "🎉👩\u200d🚀 \u00a0nbsp \u0000 end",
    "def f(x):\n    return x ** 2  # comment\n\tif 12345.678:\n",
    "CamelCaseWORDS aB1c2D3 x_y-z/path/to http://a.b/c?d=e",
    "",
    " ",
    "e\u0301 and \u0301",
]


def metadata_of(backend: Any, pre: str) -> dict[str, Any]:
    """What a converter writes of a tokenizer."""
    described = json.loads(backend.to_str())
    model, added = described["model"], described["added_tokens"]
    vocabulary = dict(model["vocab"]) | {token["content"]: token["id"] for token in added}
    tokens = sorted(vocabulary, key=vocabulary.__getitem__)
    kinds = {token["content"]: 3 if token["special"] else 4 for token in added}
    merges = [merge if isinstance(merge, str) else " ".join(merge) for merge in model["merges"]]
    found = {
        "model": "gpt2",
        "pre": pre,
        "tokens": tokens,
        "token_type": np.array([kinds.get(token, 1) for token in tokens]),
        "merges": merges,
        "add_bos_token": False,
    }
    return {f"tokenizer.ggml.{name}": value for name, value in found.items()}


def test_ids_are_those_of_the_model() -> None:
    """Every text in the same tokens, special ones too, and back."""
    backend = real_tokenizer("llama-3").backend_tokenizer
    ours = tokenizer_of(metadata_of(backend, "llama-bpe"))
    special = [token.content for token in backend.get_added_tokens_decoder().values()][:3]
    for text in [*TEXTS, "a".join(special)]:
        ids = backend.encode(text, add_special_tokens=False).ids

        assert ours.encode(text, add_special_tokens=False).ids == ids
        assert ours.decode(ids) == backend.decode(ids)


def tekken_pattern() -> str:
    file = package_folder("mistral_common") / "data" / "tekken_240911.json"
    return str(json.loads(file.read_text("utf-8"))["config"]["pattern"])


@pytest.mark.parametrize(("pre", "pattern"), [("qwen35", lambda: QWEN_PATTERN), ("tekken", tekken_pattern)])
def test_words_are_those_of_the_model(pre: str, pattern: Callable[[], str]) -> None:
    """Texts are cut where the model's own pattern cuts them."""
    theirs = pre_tokenizers.Split(Regex(pattern()), "isolated")
    bytes_of_words = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    ours = tokenizer_of({**SMALL, "tokenizer.ggml.pre": pre}).pre_tokenizer
    for text in TEXTS:
        words = pre_tokenizers.Sequence([theirs, bytes_of_words]).pre_tokenize_str(text)

        assert ours.pre_tokenize_str(text) == words


def test_sentence_piece() -> None:
    """The merges follow from the pieces' scores; bytes stand for what no piece holds; a space leads."""
    backend = real_tokenizer("mistral-sentencepiece").backend_tokenizer
    vocabulary = json.loads(backend.to_str())["model"]["vocab"]
    tokens = sorted(vocabulary, key=vocabulary.__getitem__)
    kinds = {"<unk>": 2, "<s>": 3, "</s>": 3}
    ours = tokenizer_of(
        {
            "tokenizer.ggml.model": "llama",
            "tokenizer.ggml.tokens": tokens,
            # SentencePiece's BPE gives the pieces in the order of their merges, each a little less than the last.
            "tokenizer.ggml.scores": -np.arange(len(tokens), dtype=np.float32),
            "tokenizer.ggml.token_type": np.array([kinds.get(token, 1) for token in tokens]),
            "tokenizer.ggml.bos_token_id": 1,
        }
    )
    for text in TEXTS:
        ids = backend.encode(text, add_special_tokens=False).ids

        assert ours.encode(text, add_special_tokens=False).ids == ids
        assert ours.encode(text).ids == [1, *ids]
        assert ours.decode(ids) == backend.decode(ids)


SMALL = {
    "tokenizer.ggml.model": "gpt2",
    "tokenizer.ggml.tokens": ["a", "b", "1", "2", "12", "<s>", "</s>", "<end>"],
    "tokenizer.ggml.token_type": np.array([1, 1, 1, 1, 1, 3, 3, 3]),
    "tokenizer.ggml.merges": ["1 2"],
    "tokenizer.ggml.bos_token_id": 5,
    "tokenizer.ggml.eos_token_id": 6,
    "tokenizer.ggml.eot_token_id": 7,
}


@pytest.mark.parametrize(
    ("more", "ids"),
    [
        ({}, [0, 4]),
        ({"pre": "gpt-2"}, [0, 4]),
        ({"pre": "smollm"}, [0, 2, 3]),
        ({"pre": "llama-bpe"}, [5, 0, 4]),
        ({"pre": "llama-bpe", "add_bos_token": False}, [0, 4]),
        ({"add_bos_token": True}, [5, 0, 4]),
        ({"add_eos_token": True}, [0, 4, 6]),
        ({"add_bos_token": True, "add_eos_token": True}, [5, 0, 4, 6]),
        ({"add_bos_token": True, "bos_token_id": None}, [0, 4]),
    ],
)
def test_what_the_file_asks_for(more: dict[str, Any], ids: list[int]) -> None:
    """Digits one by one, and tokens around a text."""
    told = {f"tokenizer.ggml.{name}": value for name, value in more.items()}

    assert tokenizer_of(SMALL | told).encode("a12").ids == ids


def test_roles() -> None:
    """The texts that templates name, and what ends an answer."""
    assert special_tokens(SMALL) == {"bos_token": "<s>", "eos_token": "</s>"}
    assert special_tokens({**SMALL, "tokenizer.ggml.padding_token_id": 99}) == {"bos_token": "<s>", "eos_token": "</s>"}
    assert end_token_ids(SMALL) == {6, 7}


@pytest.mark.parametrize(
    ("more", "error", "said"),
    [
        ({"model": "t5"}, UnsupportedModelError, "'t5'"),
        ({"pre": "of-mine"}, UnsupportedModelError, "'of-mine'"),
        ({"tokens": None}, InputError, "no tokenizer"),
        ({"model": "llama"}, InputError, "no score"),
    ],
)
def test_what_is_not_known_is_refused(more: dict[str, Any], error: type[Exception], said: str) -> None:
    """By its name: another pattern would give other tokens."""
    with pytest.raises(error, match=said):
        tokenizer_of(SMALL | {f"tokenizer.ggml.{name}": value for name, value in more.items()})


@pytest.mark.parametrize(
    "changed",
    [
        {"merges": ["a z"]},
        {"merges": ["az"]},
        {"token_type": 3},
        {"merges": 7},
    ],
)
def test_damaged_tokenizers(changed: dict[str, Any]) -> None:
    """What the library makes of them is said to be the file's fault."""
    told = {"model": "gpt2", "pre": "gpt-2", "tokens": ["a", "b", "ab"], "merges": ["a b"]} | changed
    with pytest.raises(InputError, match="tokenizer is damaged"):
        tokenizer_of({f"tokenizer.ggml.{name}": value for name, value in told.items()})


@pytest.mark.parametrize("end", [3, -1, 999_999])
def test_end_that_no_token_is(end: int) -> None:
    """An answer would never end."""
    with pytest.raises(InputError, match=f"names {end} as the end"):
        end_token_ids({"tokenizer.ggml.tokens": ["a", "b", "c"], "tokenizer.ggml.eot_token_id": end})
