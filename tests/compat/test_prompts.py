"""``construct_prompts`` and the bundled conversations."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections import Counter
from typing import Any

import pytest

from token_difr import construct_prompts, encode_thinking_response
from token_difr.answers import check_prompts
from token_difr.answers.general import general_prompts
from token_difr.compat.prompts import wildchat_conversations

FIRST_228 = "4272b5eaa06cc8a1"
"""The beginning of their SHA-256."""

SYSTEM = {"role": "system", "content": "You are a helpful assistant."}


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


@pytest.fixture(scope="module")
def bundled() -> list[Any]:
    """The conversations that ship."""
    return general_prompts()


def test_the_bundled_prompts_are_many_and_different(bundled: list[Any]) -> None:
    """More than 2,600, each one that can be sent, no two alike but for case and spaces."""
    check_prompts(bundled)
    texts = {" ".join(" ".join(m["content"] for m in prompt).split()).casefold() for prompt in bundled}
    assert len(texts) == len(bundled) > 2600


def test_the_first_ones_stay(bundled: list[Any]) -> None:
    """What a small number gives does not change with what is added behind it."""
    assert bundled[0][-1]["content"].startswith("What makes sourdough rise")
    digest = hashlib.sha256(json.dumps(bundled[:228]).encode()).hexdigest()
    assert digest.startswith(FIRST_228)


@pytest.mark.parametrize("n_prompts", [250, 500, 1000, 2000])
def test_any_number_of_them_is_varied(bundled: list[Any], n_prompts: int) -> None:
    """In length, language, kind and number of turns, with no opening that a tenth of them share."""
    prompts = bundled[:n_prompts]
    texts = [prompt[-1]["content"] for prompt in prompts]
    lengths = sorted(map(len, texts))
    openings = Counter(" ".join(text.split()[:3]) for text in texts)
    assert lengths[0] < 30
    assert lengths[-1] > 200
    assert openings.most_common(1)[0][1] < 0.1 * n_prompts
    assert sum(len(prompt) > 1 for prompt in prompts) >= 0.01 * n_prompts
    if n_prompts > 250:
        assert sum(not text.isascii() for text in texts) > 0.05 * n_prompts
    if n_prompts > 500:
        scripts = {unicodedata.name(c, "").split()[0] for text in texts for c in text if c.isalpha()}
        assert {"LATIN", "CYRILLIC", "CJK", "HIRAGANA"} <= scripts


def test_two_thousand_without_a_network(plain: Any) -> None:
    """As the scripts of token-difr 0.1 ask for them, with a tokenizer that takes a token a character."""
    assert len(construct_prompts(2000, 512, tokenizer=plain)) == 2000


def test_default(plain: Any) -> None:
    """A hundred conversations with the system prompt; the same ones at each call."""
    prompts = construct_prompts(tokenizer=plain)
    assert len(prompts) == 100
    assert all(prompt[0] == SYSTEM and prompt[-1]["role"] == "user" for prompt in prompts)
    assert prompts == construct_prompts(tokenizer=plain)


def test_demo_tokenizer_by_name() -> None:
    """A model's name is enough; without a system prompt the conversations stand alone."""
    prompts = construct_prompts(3, model_name="demo", system_prompt=None)
    assert [prompt[0]["role"] for prompt in prompts] == ["user"] * 3


def test_longest_prompt(plain: Any) -> None:
    """Conversations that are longer than max_ctx_len are left out, without counting the system prompt."""
    with pytest.warns(UserWarning, match=r"100 prompts were asked for, .* source='wildchat'"):
        prompts = construct_prompts(max_ctx_len=40, tokenizer=plain)
    assert 0 < len(prompts) < 100
    lengths = [len(plain.apply_chat_template(p[1:], tokenize=False, add_generation_prompt=True)) for p in prompts]
    assert max(lengths) <= 40


def test_custom_prompts() -> None:
    """They are taken as they are, cut to n_prompts, with the system prompt; no tokenizer is needed."""
    mine = [[user("a")], [user("a")], [user("b")]]
    assert construct_prompts(2, custom_prompts=mine) == [[SYSTEM, user("a")], [SYSTEM, user("a")]]
    assert construct_prompts(custom_prompts=mine, system_prompt=None) == mine
    assert mine[0] == [user("a")]


def test_a_tokenizer_is_needed() -> None:
    """Neither tokenizer nor model_name: a ValueError with the old words."""
    with pytest.raises(ValueError, match="Either tokenizer or model_name must be provided"):
        construct_prompts()


def test_unknown_source(plain: Any) -> None:
    """A source that is not there lists those that are."""
    with pytest.raises(ValueError, match="no source of prompts 'x'; choose one of: general, wildchat"):
        construct_prompts(tokenizer=plain, source="x")  # type: ignore[arg-type]


def test_wildchat_samples() -> None:
    """English only, up to the user's last message, no empty message, and nothing but role and content."""
    assistant = {"role": "assistant", "content": "yes"}
    samples = [
        {"language": "English", "conversation": [{**user("a"), "toxic": False}, assistant]},
        {"language": "French", "conversation": [user("b")]},
        {"language": "english", "conversation": [user("c"), assistant, user("d"), assistant, assistant]},
        {"language": "English", "conversation": [assistant]},
        {"language": "English", "conversation": [user(" "), assistant, user("e")]},
        {"language": "English", "conversation": [user("f"), SYSTEM]},
    ]
    assert list(wildchat_conversations(samples)) == [[user("a")], [user("c"), assistant, user("d")]]


@pytest.mark.parametrize(
    ("content", "reasoning", "max_tokens", "text"),
    [
        ("hi", "hm", None, "<think>hm</think>hi"),
        ("hi", None, None, "hi"),
        ("hi", "", None, "hi"),
        ("hi", "hm", 9, "<think>hm"),
        ("", "", 5, ""),
        ("hi", "hm", 0, ""),
    ],
)
def test_thinking_response(plain: Any, content: str, reasoning: str | None, max_tokens: int | None, text: str) -> None:
    """Reasoning in a think block right before the content, cut to max_tokens."""
    assert "".join(map(chr, encode_thinking_response(content, reasoning, plain, max_tokens))) == text
