"""The examples of token-difr 0.1.2's README run as they stand, with local servers behind both base URLs.

They are read from the installed 0.1.2, not copied. The models are folders of the demo model under the names that the
examples use, relative to the working folder. Changed is only what a user would change too: the number of prompts, base
URLs that are written into an example, and token ids that the demo model does not have.
"""

from __future__ import annotations

import gc
import json
import re
import subprocess
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from token_difr import FIREWORKS_MODEL_REGISTRY, AuditResult, get_openrouter_name
from token_difr.demo_model import MODEL_FOLDER

VOCABULARY = 2048
PRINT_METADATA = "import importlib.metadata as m; print(m.distribution('token-difr').read_text('METADATA'))"
MODEL = re.compile(r'"((?:meta-llama|moonshotai|Qwen)/[\w.-]+)"')

Run = Callable[[str], dict[str, Any]]


@pytest.fixture(scope="module")
def examples(peer_python: str) -> list[str]:
    """All blocks of Python in the README."""
    made = subprocess.run([peer_python, "-c", PRINT_METADATA], check=True, capture_output=True, text=True, env={})
    return re.findall(r"```python\n(.*?)```", made.stdout, flags=re.DOTALL)


@pytest.fixture
def run(
    examples: list[str], serving: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., dict[str, Any]]:
    """Runs the only example that holds some words, and gives back what it defined."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENROUTER_API_KEY", "your-key")
    monkeypatch.setenv("FIREWORKS_API_KEY", "your-key")

    def run_example(words: str, **defined: Any) -> dict[str, Any]:
        (code,) = [example for example in examples if words in example]
        with ExitStack() as stack:
            model = MODEL.search(code)
            if model:
                Path(model[1]).parent.mkdir(exist_ok=True)
                Path(model[1]).symlink_to(MODEL_FOLDER)
                provider = stack.enter_context(serving(get_openrouter_name(model[1])))
                reference = stack.enter_context(serving(FIREWORKS_MODEL_REGISTRY.get(model[1], "none")))
                monkeypatch.setenv("OPENROUTER_BASE_URL", provider)
                monkeypatch.setenv("FIREWORKS_BASE_URL", reference)
                code = code.replace("https://openrouter.ai/api/v1", provider)
                code = code.replace("https://api.fireworks.ai/inference/v1", reference)
            code = code.replace("n_prompts=100", "n_prompts=5")
            names = dict(defined)
            exec(compile(code, words, "exec"), names)  # noqa: S102  # the README of a release
        return names

    return run_example


def test_all_examples_are_accounted_for(examples: list[str]) -> None:
    """Ten blocks: eight are run below, one lists fields, one holds comments only."""
    assert len(examples) == 10


def test_quick_start(run: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Prompts, an audit, its result."""
    result = run("# Load prompts from WildChat dataset")["result"]
    assert isinstance(result, AuditResult)
    assert result.exact_match_rate >= 0.97
    assert capsys.readouterr().out == f"{result}\n"


def test_first_party_provider(run: Any) -> None:
    """An audit with prompts and functions from the first example."""
    from token_difr import audit_provider, construct_prompts

    prompts = construct_prompts(n_prompts=4, model_name="demo")
    names = run("# Verify Fireworks matches Moonshot", prompts=prompts, audit_provider=audit_provider)
    assert names["result"].n_sequences == 4


def test_registry(run: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """The built-in models print as a dictionary's keys; registering adds to them."""
    run("# Built-in models")
    assert capsys.readouterr().out.startswith("dict_keys(['meta-llama/Llama-3.3-70B-Instruct', 'meta-llama/Llama-3.1")
    run("# Required: map HuggingFace name")
    assert FIREWORKS_MODEL_REGISTRY["mistralai/Mistral-Large-2"] == "accounts/fireworks/models/mistral-large-2"


def test_several_providers(run: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """An audit a provider, and a file of the results."""
    names = run("PROVIDERS = [")
    saved = json.loads(Path("audit_results.json").read_text(encoding="utf-8"))
    assert list(saved) == names["PROVIDERS"]
    assert [result["n_sequences"] for result in saved.values()] == [5] * 4
    assert re.fullmatch(r"(?:\S+: \d+\.\d% match rate\n){4}", capsys.readouterr().out)


# The example leaves its two clients open.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
def test_manual_workflow(run: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Generate, tokenize and verify one by one."""
    run("async def manual_audit")
    gc.collect()
    printed = re.search(r"^Exact match rate: (\d+\.\d)%$", capsys.readouterr().out, re.MULTILINE)
    assert printed
    assert float(printed[1]) >= 95


def test_saved_tokens(run: Any) -> None:
    """Tokens from a file against a local model."""
    Path("reference_tokens.json").write_text(
        json.dumps([{"prompt_token_ids": [5, 6, 7], "output_token_ids": [8, 9]}]), encoding="utf-8"
    )
    results = run("# Periodic verification")["results"]
    assert [len(tokens) for tokens in results] == [2]


def test_local_model(examples: list[str], run: Any) -> None:
    """Tokens in the script against a local model."""
    (index,) = [i for i, example in enumerate(examples) if "# Verify against local model" in example]
    code = examples[index]
    examples[index] = re.sub(r"\b\d{4,}\b", lambda token: str(int(token[0]) % VOCABULARY), code)
    try:
        results = run("# Verify against local model")["results"]
    finally:
        examples[index] = code
    assert [len(tokens) for tokens in results] == [5]
