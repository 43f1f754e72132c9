"""What an audit over HTTP says beside its verdict."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from token_difr.answers import read_prompts
from token_difr.demo_model import PROMPTS_FILE
from token_difr.records import Finding
from token_difr.run import RunDirectory
from token_difr.run.audit import AuditRun, audit
from token_difr.sequences import load_tokenizer, render
from token_difr.server import ModelService, ServerSettings
from token_difr.server.listening import running
from token_difr.server.model.folder import DEMO

HIDDEN = "You are a pirate."


@pytest.fixture(scope="module")
def reference() -> Iterator[str]:
    """Base URL of the float32 reference."""
    with running(ModelService(ServerSettings(model=DEMO))) as url:
        yield url


def audited(provider: str, reference: str, out: Path, **options: Any) -> AuditRun:
    return audit(
        read_prompts(PROMPTS_FILE)[:10],
        provider=provider,
        model="demo",
        reference=reference,
        tokenizer="demo",
        max_tokens=12,
        out=out,
        progress=False,
        **options,
    )


def by_name(run: AuditRun) -> dict[str, Finding]:
    return {finding.name: finding for finding in run.findings}


def test_hidden_system_prompt_is_counted(reference: str, tmp_path: Path) -> None:
    """The provider's count of prompt tokens gives the hidden text away, to the token."""
    tokenizer = load_tokenizer("demo")
    question = [{"role": "user", "content": "x"}]
    system = [{"role": "system", "content": HIDDEN}]
    surplus = len(render([*system, *question], tokenizer)) - len(render(question, tokenizer))
    with running(ModelService(ServerSettings(model=DEMO, system_prompt=HIDDEN))) as url:
        run = audited(url, reference, tmp_path / "run")
    finding = by_name(run)["prompt_token_count"]
    assert finding.level == "warning"
    assert finding.evidence["prompts_by_difference"] == {str(surplus): 10}
    with RunDirectory.read(run.path) as stored:
        report = stored.report()
    assert report is not None
    assert report.findings[0].name in {finding.name for finding in run.findings if finding.level == "warning"}


def test_honest_provider(reference: str, tmp_path: Path) -> None:
    """An honest provider raises no warning; its own logprobs are the reference's."""
    run = audited(reference, reference, tmp_path / "run", provider_logprobs=True)
    findings = by_name(run)
    assert [finding.name for finding in run.findings if finding.level == "warning"] == []
    assert findings["prompt_token_count"].evidence["prompts_by_difference"] == {"0": 10}
    assert findings["provider_logprobs"].evidence["tokens"] > 50
    assert findings["provider_logprobs"].evidence["largest"] < 1e-3
    assert {"top_k", "min_p", "repetition_penalty"} <= set(findings["sent_fields"].evidence["sent"])
