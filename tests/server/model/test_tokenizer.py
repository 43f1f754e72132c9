"""What a tokenizer's file may change."""

from __future__ import annotations

import json
from pathlib import Path

from token_difr.server.model.folder import ModelFolder
from token_difr.server.model.tokenizer import ModelTokenizer


def test_what_a_tokenizer_file_asks_for_in_training(folder: ModelFolder, tmp_path: Path) -> None:
    """Truncation and padding in ``tokenizer.json`` change no prompt."""
    written = json.loads((folder.path / "tokenizer.json").read_text(encoding="utf-8"))
    written["truncation"] = {"direction": "Right", "max_length": 4, "strategy": "LongestFirst", "stride": 0}
    (tmp_path / "tokenizer.json").write_text(json.dumps(written), encoding="utf-8")
    text = "def join(self, iterable): return the joined string"
    cut = ModelTokenizer.from_folder(tmp_path).encode(text, add_special_tokens=False)
    assert cut == folder.tokenizer.encode(text, add_special_tokens=False)
    assert len(cut) > 4
