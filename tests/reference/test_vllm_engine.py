"""vLLM in process, with the engine's interface played by a stand-in: vLLM itself needs a GPU."""

from __future__ import annotations

import asyncio
import math
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from token_difr.errors import AnswerError, InputError
from token_difr.records import TokenSequence
from token_difr.reference import VllmEngineReference


class Engine:
    """Says what ``vllm.LLM`` would."""

    def __init__(self, model: str, **options: Any) -> None:
        self.options = {"model": model, **options}
        self.llm_engine = SimpleNamespace(model_config=SimpleNamespace(model=model))
        self.asked: list[Any] = []

    def generate(self, prompts: Any, parameters: Any, *, use_tqdm: bool) -> Any:
        """The sent token at rank 1, or at rank 500 where it is odd."""
        assert not use_tqdm
        self.asked.append((prompts, parameters))
        return [SimpleNamespace(prompt_logprobs=self.rows(prompt["prompt_token_ids"])) for prompt in prompts]

    @staticmethod
    def rows(tokens: list[int]) -> list[Any]:
        """Two entries a row, and the sent token."""

        def entry(logprob: float, rank: int) -> Any:
            return SimpleNamespace(logprob=logprob, rank=rank, decoded_token="x")

        rows = [
            {token: entry(-9.0, 500), 1000: entry(-0.5, 1), 1001: entry(-2.0, 2)}
            if token % 2
            else {token: entry(-0.5, 1), 1001: entry(-2.0, 2)}
            for token in tokens
        ]
        return [None, *rows[1:]]


@pytest.fixture(autouse=True)
def vllm(monkeypatch: pytest.MonkeyPatch) -> None:
    """A module of that name."""
    module = ModuleType("vllm")
    module.LLM = Engine  # type: ignore[attr-defined]
    module.SamplingParams = lambda **fields: fields  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "vllm", module)


def test_rows() -> None:
    """All sequences go to the engine at once; a claimed token outside the top k leaves its row."""
    engine = Engine("m")
    reference = VllmEngineReference(engine, topk_logprobs=2)
    kept: dict[int, Any] = {}
    sequences = [TokenSequence([2, 3], [4, 5]), TokenSequence([1], []), TokenSequence([7], [8])]
    batch = asyncio.run(reference.topk(sequences, progress=False, keep=kept.__setitem__))

    assert batch.token_ids.tolist() == [4, 1001, 1000, 1001, 8, 1001]
    assert batch.sequence_indptr.tolist() == [0, 2, 2, 3]
    assert math.isnan(batch.claimed_logprob[0])
    assert (batch.claimed_logprob[1], batch.claimed_rank[1]) == (-9.0, 499)
    assert sorted(kept) == [0, 1, 2]
    ((prompts, parameters),) = engine.asked
    assert [prompt["prompt_token_ids"] for prompt in prompts] == [[2, 3, 4, 5], [7, 8]]
    assert parameters == {"max_tokens": 1, "temperature": 0.0, "prompt_logprobs": 2}


def test_engine_by_name() -> None:
    """A name is loaded, with as many logprobs allowed as are asked for."""
    reference = VllmEngineReference("m", topk_logprobs=50, seed=1)
    assert (reference.model, reference.dialect, reference.url) == ("m", "vllm-engine", None)
    assert reference._engine.options == {"model": "m", "max_logprobs": 50, "seed": 1}


def test_missing_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Too few rows are named; so is vLLM where it is not installed."""
    engine = Engine("m")
    monkeypatch.setattr(engine, "rows", lambda _tokens: [None])
    with pytest.raises(AnswerError, match="1 rows for 2 tokens"):
        asyncio.run(VllmEngineReference(engine).topk([TokenSequence([1], [2])], progress=False))
    monkeypatch.setitem(sys.modules, "vllm", None)
    with pytest.raises(InputError, match=r"token-difr\[vllm\]"):
        VllmEngineReference("m")
