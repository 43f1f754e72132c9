"""What is read from a model's folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from token_difr.errors import InputError
from token_difr.server import ModelService, ServerSettings
from token_difr.server.model.folder import ModelFolder
from token_difr.testing.scripted_engine import ScriptedEngine


@pytest.fixture
def copy(folder: ModelFolder, tmp_path: Path) -> Path:
    """A folder with the demo's tokenizer and no end token."""
    (tmp_path / "tokenizer.json").write_bytes((folder.path / "tokenizer.json").read_bytes())
    (tmp_path / "config.json").write_text(json.dumps({"max_position_embeddings": 64}))
    return tmp_path


@pytest.mark.parametrize("entry", ["the", {"content": "the"}])
def test_the_tokenizers_end_token_counts(folder: ModelFolder, copy: Path, entry: Any) -> None:
    """Where the configurations name none; before the usual names."""
    (copy / "tokenizer_config.json").write_text(json.dumps({"eos_token": entry}))
    assert ModelFolder.open(copy).end_token_ids == {folder.tokenizer.token_id("the")}
    (copy / "config.json").write_text(json.dumps({"max_position_embeddings": 64, "eos_token_id": 5}))
    assert ModelFolder.open(copy).end_token_ids == {5}


@pytest.mark.parametrize("named", ["x", [5, "x"], True, 2.5])
def test_end_tokens_are_ids(copy: Path, named: Any) -> None:
    """Anything else is an error that names the folder."""
    (copy / "config.json").write_text(json.dumps({"max_position_embeddings": 64, "eos_token_id": named}))
    with pytest.raises(InputError, match="eos_token_id"):
        ModelFolder.open(copy)


@pytest.mark.parametrize("named", [2048, -1, [5, 9999]])
def test_end_tokens_are_the_models_own(folder: ModelFolder, copy: Path, named: Any) -> None:
    """An id that the model does not have could never end anything."""
    (copy / "config.json").write_text(json.dumps({"max_position_embeddings": 64, "eos_token_id": named}))
    with pytest.raises(InputError, match="there are 2048 tokens"):
        ModelService(ServerSettings(model=copy), ScriptedEngine([1], folder.tokenizer.size))


def test_end_tokens_are_the_engines_too(copy: Path) -> None:
    """The tokenizer may have more tokens than the weights."""
    (copy / "config.json").write_text(json.dumps({"max_position_embeddings": 64, "eos_token_id": 5}))
    with pytest.raises(InputError, match="is none of the model's 2 tokens"):
        ModelService(ServerSettings(model=copy), ScriptedEngine([1], 2))


def test_tokenizer_info_tells_no_path(copy: Path) -> None:
    """Plain values and texts of special tokens; not where the tokenizer came from."""
    config = {"name_or_path": "/home/me", "bos_token": {"content": "<s>", "lstrip": False}, "model_max_length": 9}
    (copy / "tokenizer_config.json").write_text(json.dumps({**config, "added_tokens_decoder": {"1": {}}}))

    assert ModelFolder.open(copy).tokenizer_info("t") == {
        "bos_token": "<s>",
        "model_max_length": 9,
        "chat_template": "t",
    }
