"""The torch engine against the ONNX engine, on the packaged model."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from token_difr.engine import Engine
from token_difr.engine.choice import EngineChoice
from token_difr.engine.loading import load_engine
from token_difr.engine.onnx import OnnxEngine
from token_difr.engine.rounding import WeightRounding
from token_difr.engine.torch import ElementType, TorchEngine, cache_name
from token_difr.errors import InputError
from token_difr.server import ModelService, ServerSettings
from token_difr.server.generation import Generation, GenerationSpec, Scheduler
from token_difr.server.generation.sampling import SamplingSettings
from token_difr.server.model.folder import ModelFolder

pytest.importorskip("torch")

NOISE = 1e-4
PROMPTS, TOKENS = 100, 64


@pytest.fixture(scope="module")
def prompts(folder: ModelFolder, questions: list[list[dict[str, str]]]) -> list[list[int]]:
    assert folder.template is not None
    texts = [folder.template.render(messages) for messages in questions[100 : 100 + PROMPTS]]
    return [folder.tokenizer.encode(text, add_special_tokens=False) for text in texts]


def answers(engine: Engine, prompts: list[list[int]]) -> list[list[int]]:
    """Greedy outputs of the scheduler."""
    greedy = SamplingSettings(temperature=0)
    specs = [GenerationSpec(prompt=prompt, max_tokens=TOKENS, sampling=greedy) for prompt in prompts]
    generations = [Generation(spec, engine.vocabulary_size) for spec in specs]
    scheduler = Scheduler(engine)
    scheduler.submit(*generations)
    scheduler.start()
    scheduler.stop()
    return [generation.output for generation in generations]


def next_logits(engine: Engine, ids: list[int]) -> NDArray[np.float32]:
    """Logits after a text, in one pass."""
    array = np.array([ids])
    passed = engine.forward(array, np.arange(len(ids))[None], np.ones_like(array), engine.empty_cache())
    last: NDArray[np.float32] = passed.logits[0, -1]
    return last


def test_both_engines_answer_the_same(folder: ModelFolder, prompts: list[list[int]]) -> None:
    """Equal on 95 of 100 prompts and more; a first difference lies at two tokens within the noise."""
    onnx, torch = OnnxEngine(folder.path), TorchEngine(folder.path)
    pairs = list(zip(prompts, answers(onnx, prompts), answers(torch, prompts), strict=True))

    assert sum(one == other for _, one, other in pairs) >= 0.95 * PROMPTS
    for prompt, one, other in pairs:
        if one != other:
            at = next(place for place in range(TOKENS) if one[place] != other[place])
            logits = next_logits(onnx, prompt + one[:at])

            assert abs(logits[one[at]] - logits[other[at]]) < NOISE


@pytest.mark.parametrize(("element_type", "largest"), [(ElementType.BF16, 0.5), (ElementType.FLOAT16, 0.1)])
def test_narrow_types_are_near(
    folder: ModelFolder, prompts: list[list[int]], element_type: ElementType, largest: float
) -> None:
    """True bfloat16 and float16 differ from float32 by their rounding: a little, and not by nothing."""
    difference = np.abs(
        next_logits(TorchEngine(folder.path, element_type=element_type), prompts[0])
        - next_logits(OnnxEngine(folder.path), prompts[0])
    ).max()

    assert 1e-4 < difference < largest


def test_rounded_weights_are_those_of_the_other_engine(folder: ModelFolder, prompts: list[list[int]]) -> None:
    """An int4 variant is the same model on both engines."""
    one = next_logits(OnnxEngine(folder.path, rounding=WeightRounding.INT4), prompts[0])
    other = next_logits(TorchEngine(folder.path, rounding=WeightRounding.INT4), prompts[0])

    assert np.abs(one - other).max() < 1e-3
    assert np.abs(one - next_logits(OnnxEngine(folder.path), prompts[0])).max() > 0.1


def test_choice_of_engine(folder: ModelFolder, tmp_path: Path) -> None:
    """A known family means ONNX Runtime, another type than float32 torch; what cannot be is one clear error."""
    assert isinstance(load_engine(folder.path), OnnxEngine)
    assert isinstance(load_engine(folder.path, element_type=ElementType.BF16), TorchEngine)
    with pytest.raises(InputError, match="float32 only"):
        load_engine(folder.path, choice=EngineChoice.ONNX, element_type=ElementType.BF16)
    with pytest.raises(InputError, match=r"model\.onnx"):
        load_engine(tmp_path, choice=EngineChoice.ONNX)
    with pytest.raises(InputError, match="cannot be loaded"):
        load_engine(tmp_path)
    settings = ServerSettings(model="demo", engine=EngineChoice.TORCH)
    assert isinstance(ModelService(settings).engine, TorchEngine)


class TakesCache:
    """A model of newer releases of transformers."""

    def forward(self, *, input_ids: Any, cache: Any = None, **rest: Any) -> Any:
        """As many tokens as the cache has seen, and the cache again."""
        return SimpleNamespace(seen=len(input_ids) + len(cache), cache=[*cache, *input_ids], rest=rest)


class TakesPastKeyValues:
    """A model of older ones."""

    def forward(self, *, input_ids: Any, past_key_values: Any = None, **rest: Any) -> Any:
        """The same under the other name."""
        seen = len(input_ids) + len(past_key_values)
        return SimpleNamespace(seen=seen, past_key_values=[*past_key_values, *input_ids], rest=rest)


class Wrapped:
    """A model behind arguments that say nothing."""

    def forward(self, **inputs: Any) -> Any:
        """What the older model does."""
        return TakesPastKeyValues().forward(**inputs)


@pytest.mark.parametrize(
    "model", [TakesCache(), TakesPastKeyValues(), Wrapped()], ids=lambda model: type(model).__name__
)
def test_a_model_gets_its_cache_by_the_name_that_it_takes(model: Any) -> None:
    """Releases of transformers spell it ``past_key_values`` or ``cache``: the signature says which, and so is the result."""
    name = cache_name(model.forward)
    result = model.forward(input_ids=[3], **{name: [1, 2]})

    assert (result.seen, getattr(result, name), result.rest) == (3, [1, 2, 3], {})
