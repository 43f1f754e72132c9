"""A GGUF file is served like the folder that it was made from."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gguf_files import write_gguf
from token_difr.engine.onnx import OnnxEngine
from token_difr.engine.weights import read_weights
from token_difr.errors import InputError, UnsupportedModelError
from token_difr.records import TokenSequence
from token_difr.reference import LocalReference
from token_difr.sequences import load_tokenizer
from token_difr.server import ModelService, ServerSettings
from token_difr.server.model.folder import ModelFolder


@pytest.fixture(scope="module")
def file(folder: ModelFolder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packaged model as a GGUF file in float32."""
    tokenizer = json.loads((folder.path / "tokenizer.json").read_text(encoding="utf-8"))
    template = (folder.path / "chat_template.jinja").read_text()
    return write_gguf(
        tmp_path_factory.mktemp("gguf") / "small.gguf",
        json.loads((folder.path / "config.json").read_text()),
        read_weights(folder.path),
        tokenizer={**tokenizer, "eos_token_id": min(folder.end_token_ids), "chat_template": template},
    )


def test_file_is_the_folder(file: Path, folder: ModelFolder) -> None:
    """The same ids, template, end tokens and logits as from the folder."""
    served = ModelService(ServerSettings(model=file))
    packaged = ModelService(ServerSettings(model="demo"))
    messages = [{"role": "user", "content": "What is 🎉?"}]
    assert served.template is not None
    assert folder.template is not None
    text = served.template.render(messages)
    ids = served.folder.tokenizer.encode(text, add_special_tokens=False)
    array, positions = np.array([ids]), np.arange(len(ids))[None]
    one, other = (
        service.engine.forward(array, positions, np.ones_like(array), service.engine.empty_cache()).logits
        for service in (served, packaged)
    )

    assert isinstance(served.engine, OnnxEngine)
    assert text == folder.template.render(messages)
    assert ids == folder.tokenizer.encode(text, add_special_tokens=False)
    assert served.folder.end_token_ids == folder.end_token_ids
    assert served.folder.context_length == folder.context_length
    assert np.abs(one - other).max() < 1e-3


def test_file_is_tokenizer_and_reference(file: Path) -> None:
    """Named in the place of the folder: the same prompts, the same end tokens, and the same rows without a server."""
    one: Any = load_tokenizer(file)
    other: Any = load_tokenizer("demo")
    rendered = [
        each.apply_chat_template([{"role": "user", "content": "é 🎉?"}], add_generation_prompt=True, tokenize=False)
        for each in (one, other)
    ]
    prompts = [each.encode(text, add_special_tokens=False) for each, text in zip((one, other), rendered, strict=True)]
    sequence = TokenSequence(prompts[0], [3, 1, 4])
    rows, wanted = (
        asyncio.run(LocalReference(model, topk_logprobs=4).topk([sequence], progress=False)) for model in (file, "demo")
    )

    assert rendered[0] == rendered[1]
    assert prompts[0] == prompts[1]
    assert set(one.end_token_ids) == set(other.end_token_ids)
    assert one.decode(prompts[0]) == other.decode(prompts[0])
    assert rows.token_ids.tolist() == wanted.token_ids.tolist()
    assert rows.logprobs == pytest.approx(wanted.logprobs, abs=1e-3)


def test_tokenizer_of_another_kind(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is not known names the way out, which is not torch; a file that is no GGUF is said to be none."""

    def unknown(_: object) -> None:
        raise UnsupportedModelError("the GGUF file's tokenizer 'wpm'")

    with monkeypatch.context() as patch:
        patch.setattr("token_difr.sequences.load.tokenizer_of", unknown)
        with pytest.raises(InputError, match="give the model's Hugging Face folder"):
            load_tokenizer(file)
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"no such thing")
    with pytest.raises(InputError, match="no GGUF file"):
        load_tokenizer(broken)
    with pytest.raises(InputError, match="cannot be read"):
        load_tokenizer(tmp_path / "missing.gguf")
