"""The tokens that end an answer, by the files beside a model: a list is a set, and an id that no token has is an error."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from token_difr.demo_model import MODEL_FOLDER
from token_difr.errors import InputError
from token_difr.records import Response
from token_difr.sequences import end_token, ends_named_in, load_tokenizer, tokenize

NAMES = {"<eos>": 7, "<eot>": 8}
GENERATION, CONFIG, SETTINGS = "generation_config.json", "config.json", "tokenizer_config.json"


def written(folder: Path, files: dict[str, Any]) -> Path:
    for name, content in files.items():
        (folder / name).write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return folder


@pytest.mark.parametrize(
    ("files", "ends"),
    [
        ({GENERATION: {"eos_token_id": [3, 5, 4]}, CONFIG: {"eos_token_id": 1}}, (3, 5, 4)),
        ({GENERATION: {"eos_token_id": 3}, CONFIG: {"eos_token_id": [1, 2]}}, (3,)),
        ({GENERATION: {"eos_token_id": [3, 3]}}, (3,)),
        ({GENERATION: {}, CONFIG: {"eos_token_id": [1, 2]}}, (1, 2)),
        ({GENERATION: {"eos_token_id": None}, CONFIG: {"eos_token_id": 1}}, (1,)),
        ({GENERATION: {"eos_token_id": []}, CONFIG: {"eos_token_id": 1}}, (1,)),
        ({CONFIG: {"text_config": {"eos_token_id": [1, 6]}}}, (1, 6)),
        ({CONFIG: {"eos_token_id": 0}}, (0,)),
        ({CONFIG: {"eos_token_id": 12, "vocab_size": 16}}, (12,)),  # the model has more rows than the tokenizer tokens
        ({CONFIG: {"eos_token_id": 12, "text_config": {"vocab_size": 16}}}, (12,)),
        ({SETTINGS: {"eos_token": "<eot>"}}, (8,)),
        ({SETTINGS: {"eos_token": {"content": "<eos>", "special": True}}, CONFIG: {"eos_token_id": None}}, (7,)),
        ({SETTINGS: {"eos_token": "<eot>"}, GENERATION: {"eos_token_id": 3}}, (3,)),
        ({SETTINGS: {"eos_token": "<none>"}}, ()),
        ({SETTINGS: {"eos_token": None}}, ()),
        ({}, ()),
    ],
)
def test_ends(tmp_path: Path, files: dict[str, Any], ends: tuple[int, ...]) -> None:
    """The generation configuration first, then the configuration, then the tokenizer's own name for it."""
    assert ends_named_in(written(tmp_path, files), NAMES.get, 10) == ends


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({GENERATION: {"eos_token_id": 10}}, "has 10, and there are 10 tokens"),
        ({GENERATION: {"eos_token_id": [3, 151_645]}}, "generation_config.json: eos_token_id has 151645"),
        ({CONFIG: {"eos_token_id": -1}}, "has -1"),
        ({CONFIG: {"eos_token_id": 16, "vocab_size": 16}}, "has 16, and there are 16 tokens"),
        ({CONFIG: {"eos_token_id": True}}, "has True"),
        ({CONFIG: {"eos_token_id": "<eos>"}}, "has '<eos>'"),
        ({CONFIG: {"eos_token_id": [[3]]}}, r"has \[3\]"),
        ({CONFIG: {"eos_token_id": 3.0}}, r"has 3\.0"),
        ({GENERATION: "{"}, "generation_config.json: not JSON"),
        ({CONFIG: "[]"}, "config.json: not a JSON object"),
    ],
)
def test_no_such_end(tmp_path: Path, files: dict[str, Any], words: str) -> None:
    """Which file says what, before anything is sent."""
    with pytest.raises(InputError, match=words):
        ends_named_in(written(tmp_path, files), NAMES.get, 10)


@pytest.fixture
def demo_copy(tmp_path: Path) -> Path:
    """The demo's tokenizer and configuration in a folder that a test adds to."""
    for name in ("tokenizer.json", SETTINGS, CONFIG, "chat_template.jinja"):
        (tmp_path / name).write_bytes((MODEL_FOLDER / name).read_bytes())
    return tmp_path


def test_one_of_several_ends(demo_copy: Path) -> None:
    """Ids that come to any of them are whole: nothing is put behind them, special token or not; its name is it, too."""
    word = load_tokenizer(demo_copy).encode(" list", add_special_tokens=False, split_special_tokens=True)[-1]
    written(demo_copy, {GENERATION: {"eos_token_id": [2, 0, word]}})
    tokenizer: Any = load_tokenizer(demo_copy)
    assert tokenizer.end_token_ids == (2, 0, word)
    assert end_token(tokenizer) == 2
    question = [[{"role": "user", "content": "x"}]]
    for end in (2, 0, word):
        ids = [*tokenizer.encode("An answer", add_special_tokens=False), end]
        body = {"choices": [{"token_ids": ids}]}
        shown = tokenizer.decode(ids)
        (given,) = tokenize(question, [Response(index=0, content=shown, finish_reason="stop", body=body)], tokenizer)
        assert given.output_token_ids == ids
        (rebuilt,) = tokenize(
            question,
            [Response(index=0, content=shown, finish_reason="stop", completion_tokens=len(ids))],
            tokenizer,
        )
        assert rebuilt.output_token_ids == ids


def test_a_template_without_an_end(demo_copy: Path) -> None:
    """Then the files name it, before the tokenizer does."""
    (demo_copy / "chat_template.jinja").write_text("{% for m in messages %}{{ m.content }}\n{% endfor %}", "utf-8")
    assert end_token(load_tokenizer(demo_copy)) == 2
    written(demo_copy, {GENERATION: {"eos_token_id": [1, 0]}})
    assert end_token(load_tokenizer(demo_copy)) == 1
    written(demo_copy, {GENERATION: {"eos_token_id": [1, 2]}})
    assert end_token(load_tokenizer(demo_copy)) == 2  # the tokenizer's own, if it is one of them
    written(demo_copy, {GENERATION: {"eos_token_id": [1, 99_999]}})
    with pytest.raises(InputError, match="has 99999, and there are 2048 tokens"):
        load_tokenizer(demo_copy)
