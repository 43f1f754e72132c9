"""Sampler against trainer: the estimators against closed forms, and both sides over HTTP."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from token_difr.answers import read_prompts
from token_difr.cli import main
from token_difr.demo_model import PROMPTS_FILE
from token_difr.engine.rounding import WeightRounding
from token_difr.errors import InputError
from token_difr.mismatch.measure import measure_mismatch
from token_difr.mismatch.sources import mismatch_against
from token_difr.reference import VllmReference
from token_difr.rollouts import RolloutsClient
from token_difr.run.audit import audit
from token_difr.sequences import load_tokenizer
from token_difr.server import ModelService, ServerSettings
from token_difr.server.listening import running
from token_difr.server.model.folder import DEMO
from token_difr.services import open_client


def test_the_same_policy() -> None:
    """No divergence, and every sample counts."""
    found = measure_mismatch([[-1.0, -2.0], [-0.5]], [[-1.0, -2.0], [-0.5]])
    assert (found.k1, found.k3, found.token_effective_share, found.sequence_effective_share) == (0, 0, 1, 1)
    assert found.sequence_ratios().tolist() == [1, 1]
    assert (found.tokens, found.sequences, found.left_out, found.cut) == (3, 2, 0, 0)


def test_estimators_find_the_divergence() -> None:
    """k1 and k3 both estimate KL(sampler || trainer), k3 with the smaller variance."""
    rng = np.random.default_rng(3)
    p, q = np.array([0.5, 0.3, 0.2]), np.array([0.45, 0.3, 0.25])
    kl = float((p * np.log(p / q)).sum())
    drawn = rng.choice(3, size=(200, 400), p=p)
    found = [measure_mismatch([np.log(p[row])], [np.log(q[row])]) for row in drawn]
    assert np.mean([each.k1 for each in found]) == pytest.approx(kl, rel=0.1)
    assert np.mean([each.k3 for each in found]) == pytest.approx(kl, rel=0.02)
    assert np.std([each.k3 for each in found]) < 0.2 * np.std([each.k1 for each in found])


def test_effective_sample_size() -> None:
    """Weights 1 and 3: (1 + 3)^2 / (1 + 9) of 2."""
    found = measure_mismatch([[-2.0], [-2.0]], [[-2.0], [-2.0 + np.log(3)]])
    assert found.sequence_effective_share == pytest.approx(0.8)
    assert found.token_ratios() == pytest.approx([1, 3])


def test_growth_with_position() -> None:
    """A log ratio that grows by a thousandth of a nat a token grows by a nat a thousand."""
    d = np.arange(800) / 1000
    found = measure_mismatch([np.full(800, -5.0)] * 3, [-5.0 + d] * 3, bins=8)
    assert found.growth == pytest.approx(1.0, rel=1e-3)
    assert [(each.first, each.end, each.tokens) for each in found.by_position[:2]] == [(0, 100, 300), (100, 200, 300)]


def test_unknown_values_are_left_out() -> None:
    """None, NaN and -inf on a side are counted, not compared."""
    unknown: list[Any] = [None, -1.0, float("-inf")]
    found = measure_mismatch([unknown, []], [[-1.0, -1.5, float("-inf")], []])
    assert (found.tokens, found.left_out, found.sequences) == (1, 2, 1)
    assert found.k1 == 0.5
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False))["growth"] is None


@pytest.mark.parametrize(
    ("sampler", "trainer", "words"),
    [
        ([[-1.0]], [], "1 sequences of the sampler and 0"),
        ([[-1.0]], [[-1.0, -2.0]], "sequence 0 has 1 logprobs"),
        ([[0.5]], [[-1.0]], "logprob above 0"),
        ([["x"]], [[-1.0]], "not numbers"),
        ([[None]], [[-1.0]], "no token"),
    ],
)
def test_bad_input(sampler: Any, trainer: Any, words: str) -> None:
    """What does not fit is named."""
    with pytest.raises(InputError, match=words):
        measure_mismatch(sampler, trainer)


@given(st.lists(st.lists(st.tuples(st.floats(-1e4, 0), st.floats(-1e4, 0)), max_size=5), min_size=1, max_size=5))
def test_any_logprobs(pairs: list[list[tuple[float, float]]]) -> None:
    """Figures are finite and within their bounds, however far the two are apart."""
    if not any(pairs):
        return
    found = measure_mismatch([[a for a, _ in each] for each in pairs], [[b for _, b in each] for each in pairs])
    assert np.isfinite([found.k1, found.k3]).all()
    assert found.k3 >= 0
    assert 0 < found.sequence_effective_share <= 1 + 1e-9
    assert np.isfinite(found.sequence_ratios()).all()


def test_rounded_weights_are_seen(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A run whose provider rounds its weights to four bits is further from the reference than an honest one."""
    shares = {}
    with running(ModelService(ServerSettings(model=DEMO))) as trainer:
        for name, weights in (("honest", None), ("int4", WeightRounding.INT4)):
            with running(ModelService(ServerSettings(model=DEMO, weights=weights))) as url:
                audit(
                    read_prompts(PROMPTS_FILE)[:6],
                    provider=url,
                    model="demo",
                    reference=trainer,
                    tokenizer="demo",
                    max_tokens=24,
                    provider_logprobs=True,
                    token_ids=True,
                    out=tmp_path / name,
                    progress=False,
                )
            with pytest.raises(SystemExit) as exited:
                main(["rollouts", "mismatch", str(tmp_path / name), "--json"])
            assert not exited.value.code
            shares[name] = json.loads(capsys.readouterr().out)
        sampling = {"logprobs": 0, "max_tokens": 12, "temperature": 1.0, "top_p": 1.0}
        with RolloutsClient("demo", provider=trainer, use_cache=False, progress_bar=False, **sampling) as client:
            drawn = client.generate_many(["What is a list?", "What is a module?"], 2)

        async def against() -> Any:
            async with open_client(trainer) as opened:
                return await mismatch_against(drawn, VllmReference(opened, "demo"), load_tokenizer("demo"))

        itself = asyncio.run(against())
    begun = replace(drawn[0], begun="<think>")
    nobody: Any = None
    with pytest.raises(InputError, match="begins the answer"):
        asyncio.run(mismatch_against([begun], nobody, load_tokenizer("demo")))
    assert shares["honest"]["k3"] < 1e-5 < shares["int4"]["k3"]
    assert shares["honest"]["sequence_effective_share"] > 0.99
    assert (itself.sequences, itself.tokens) == (4, 48)
    assert itself.largest_log_ratio < 1e-3
    with pytest.raises(SystemExit):
        main(["rollouts", "mismatch", str(tmp_path / "int4")])
    assert "effective share of sequences" in capsys.readouterr().out
