"""A GGUF file is served like the folder that it was made from."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from gguf_files import write_gguf
from token_difr.engine.onnx import OnnxEngine
from token_difr.engine.weights import read_weights
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
