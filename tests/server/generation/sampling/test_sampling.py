"""The sampling rule: noise, filters, penalties."""

from __future__ import annotations

import numpy as np
import pytest

from token_difr.server.generation.sampling import SamplingSettings, TokenSampler
from token_difr.server.generation.sampling.filters import apply_filters
from token_difr.server.generation.sampling.noise import GumbelNoise
from token_difr.server.generation.sampling.penalties import apply_penalties

SCORES = np.log(np.array([0.1, 0.4, 0.2, 0.25, 0.05]))


@pytest.mark.parametrize("seed", [0, 42, 2**32 + 42])
def test_noise_is_torchs_cpu_stream(seed: int) -> None:
    """Three rows of -ln of torch's exponential_ on one generator, to the bit of the exponential variates."""
    torch = pytest.importorskip("torch")
    noise, generator = GumbelNoise(seed, 1000), torch.Generator().manual_seed(seed)
    for _ in range(3):
        expected = torch.empty(1000).exponential_(generator=generator).numpy().astype(np.float64)

        assert np.array_equal(noise.next_row(), -np.log(expected))


def test_noise_stays_the_same() -> None:
    """The first exponential variates of seed 42 at a width of 1,000, as torch 2.7 to 2.15 give them."""
    noise = GumbelNoise(42, 1000)
    rows = [np.exp(-noise.next_row()[:3]) for _ in range(2)]

    assert rows[0] == pytest.approx([0.05991401523351669, 0.06497612595558167, 0.13191677629947662], rel=1e-12)
    assert rows[1] == pytest.approx([0.16516201198101044, 1.6773951053619385, 1.5753825902938843], rel=1e-12)


def test_choice_is_torchs_multinomial() -> None:
    """The sampler picks the tokens of torch.multinomial on the softmax with the same generator."""
    torch = pytest.importorskip("torch")
    sampler, generator = TokenSampler(SamplingSettings(temperature=0.7, seed=5), 64), torch.Generator().manual_seed(5)
    for logits in np.random.default_rng(2).normal(size=(50, 64)).astype(np.float32):
        chances = torch.softmax(torch.from_numpy(logits) / 0.7, dim=-1)

        assert sampler.choose(logits, [], []) == int(torch.multinomial(chances, 1, generator=generator))


@pytest.mark.parametrize(
    "settings", [SamplingSettings(temperature=0), SamplingSettings(temperature=9e-6), SamplingSettings(top_k=1)]
)
def test_greedy_takes_the_lowest_id_of_equal_maxima(settings: SamplingSettings) -> None:
    """Temperature below 1e-5 and top_k = 1 take the likeliest token; of equal ones the lowest id."""
    logits = np.array([0, 3, 1, 3], dtype=np.float32)

    assert TokenSampler(settings, 4).choose(logits, [], []) == 1


@pytest.mark.parametrize(
    ("settings", "kept"),
    [
        (SamplingSettings(), {0, 1, 2, 3, 4}),
        (SamplingSettings(top_k=2), {1, 3}),
        (SamplingSettings(top_k=99), {0, 1, 2, 3, 4}),
        (SamplingSettings(min_p=0.5), {1, 2, 3}),
        (SamplingSettings(top_p=0.6), {1, 3}),
        (SamplingSettings(top_p=0.7), {1, 2, 3}),
        (SamplingSettings(top_p=1e-9), {1}),
        (SamplingSettings(top_k=3, top_p=0.5), {1, 3}),
        (SamplingSettings(top_k=3, top_p=0.45), {1}),
        (SamplingSettings(min_p=0.5, top_k=2, top_p=0.999), {1, 3}),
    ],
)
def test_filters_keep(settings: SamplingSettings, kept: set[int]) -> None:
    """First min-p, then top-k, then top-p on what is left: a token goes when the mass up to it leaves 1 - p or less."""
    assert set(np.flatnonzero(np.isfinite(apply_filters(SCORES, settings)))) == kept


def test_top_k_keeps_ties() -> None:
    """All tokens that equal the k-th value stay."""
    scores = np.array([1.0, 2.0, 1.0, 0.0])

    assert set(np.flatnonzero(np.isfinite(apply_filters(scores, SamplingSettings(top_k=2))))) == {0, 1, 2}


def test_penalties_in_order() -> None:
    """Bias first, then the repetition penalty on prompt and output, then the output's own penalties."""
    logits = np.array([1.0, 2.0, -1.0, 0.5])
    settings = SamplingSettings(
        logit_bias={3: 1.5}, repetition_penalty=2.0, frequency_penalty=0.1, presence_penalty=0.25
    )

    assert apply_penalties(logits, settings, [0, 2], [3, 3]) == pytest.approx([0.5, 2.0, -2.0, 1.0 - 0.2 - 0.25])
    assert logits[0] == 1.0


@pytest.mark.parametrize(("window", "touched"), [(None, {0, 1, 2}), (2, {1, 2}), (1, {2}), (0, set())])
def test_repetition_window(window: int | None, touched: set[int]) -> None:
    """Only the last tokens of prompt and output count."""
    settings = SamplingSettings(repetition_penalty=2.0, repetition_window=window)
    changed = apply_penalties(np.ones(4), settings, [0, 1], [2])

    assert set(np.flatnonzero(changed != 1)) == touched
