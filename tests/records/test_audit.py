"""The record of an audit: what is one and the same however it is spelled."""

from __future__ import annotations

from pathlib import Path

import pytest

from token_difr.records.audit import Judged, Rendered


def test_gguf_file_by_any_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tokenizer's file is kept by its absolute path, as a folder is; what is no such file is a name, and stays."""
    (tmp_path / "model.gguf").write_bytes(b"GGUF")
    (tmp_path / "link.gguf").symlink_to(tmp_path / "model.gguf")
    (tmp_path / "organization").write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    spellings = ("model.gguf", "./model.gguf", f"../{tmp_path.name}/model.gguf", "link.gguf")
    assert {Rendered(tokenizer=name, digest=None).tokenizer for name in spellings} == {
        str((tmp_path / "model.gguf").resolve())
    }
    for name in ("organization", "missing.gguf", "demo", "", None):
        assert Rendered(tokenizer=name, digest=None).tokenizer == name


def test_place_of_a_reference() -> None:
    """A server is where its URL says; a model that is run here, where its path does."""
    served = Judged(reference="http://h/v1", model="m", dialect="vllm", topk_logprobs=2)
    here = Judged(reference=None, model="/models/m", dialect="local", topk_logprobs=2)

    assert [getattr(judged, judged.place) for judged in (served, here)] == ["http://h/v1", "/models/m"]
