"""``token_difr.openrouter_api.main``: a file of answers for each provider."""

from __future__ import annotations

import asyncio
import inspect
import json
from pathlib import Path
from typing import Any

import pytest

from token_difr import InputError, openrouter_api
from token_difr.demo_model import MODEL_FOLDER


def test_each_provider_has_a_file(endpoint: Any, tmp_path: Path, monkeypatch: Any, capsys: Any) -> None:
    """The same prompts go to each, greedily, with no way round the provider; the file has the old name and shape."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENROUTER_API_KEY", "x")
    monkeypatch.setenv("OPENROUTER_BASE_URL", f"{endpoint.url}/v1")
    Path("org").mkdir()
    Path("org/some.model").symlink_to(MODEL_FOLDER)

    providers = ["groq", "siliconflow/fp8"]
    asyncio.run(openrouter_api.main(providers=providers, model_name="org/some.model", n_samples=3))

    files = sorted(path.name for path in Path("openrouter_responses").iterdir())
    assert files == [
        f"openrouter_{tag}_org_some_model_token_difr_prompts_test.json" for tag in ("groq", "siliconflow_fp8")
    ]
    saved = json.loads(Path("openrouter_responses", files[1]).read_text(encoding="utf-8"))
    assert saved["config"] == {
        "model": "org/some.model",
        "provider": "siliconflow/fp8",
        "max_tokens": 500,
        "temperature": 0.0,
        "n_samples": 3,
        "max_ctx_len": 512,
    }
    assert len(saved["samples"]) == 3
    asked = [body for _, body, _ in endpoint.requests]
    assert sorted(json.dumps(body["messages"]) for body in asked[:3]) == sorted(
        json.dumps(body["messages"]) for body in asked[3:]
    )
    assert [body["provider"] for body in asked] == [{"only": ["groq"]}] * 3 + [{"only": ["siliconflow/fp8"]}] * 3
    assert {body["temperature"] for body in asked} == {0.0}
    assert "Loaded 3 prompts" in capsys.readouterr().out


def test_without_a_key(endpoint: Any, monkeypatch: Any) -> None:
    """Nothing is sent."""
    monkeypatch.delenv("OPENROUTER_API_KEY", raising=False)
    monkeypatch.setenv("OPENROUTER_BASE_URL", f"{endpoint.url}/v1")
    with pytest.raises(InputError, match="OPENROUTER_API_KEY environment variable not set"):
        asyncio.run(openrouter_api.main())
    assert endpoint.requests == []


def test_it_needs_no_argument() -> None:
    """Old scripts call ``asyncio.run(main())``."""
    parameters = inspect.signature(openrouter_api.main).parameters.values()
    assert all(parameter.default is not inspect.Parameter.empty for parameter in parameters)
