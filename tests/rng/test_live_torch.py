"""Torch's own CPU ``exponential_`` against the replay."""

from __future__ import annotations

import numpy as np
import pytest

from token_difr import Sampler

torch = pytest.importorskip("torch")

STEPS = 3


@pytest.mark.parametrize(("seed", "vocab_size"), [(42, 151_936), (0, 128_256), (2**40 + 7, 1_000), (2**64 - 1, 17)])
def test_torch_cpu_exponential_is_reproduced_to_the_bit(seed: int, vocab_size: int) -> None:
    """Three calls of ``exponential_`` give exactly the float32 values whose negative logarithm is the noise."""
    noise = Sampler.for_engine("torch-cpu", torch.__version__).gumbel(
        seed=seed, positions=range(STEPS), token_ids=np.arange(vocab_size), vocab_size=vocab_size
    )

    generator = torch.Generator().manual_seed(seed)
    rows = [
        torch.empty(vocab_size, dtype=torch.float32).exponential_(generator=generator).numpy() for _ in range(STEPS)
    ]
    expected = np.stack(rows)

    # exp undoes ln to within a float64's last bits, far below a float32's: rounding gives the value itself.
    assert np.array_equal(np.exp(-noise).astype(np.float32).view(np.uint32), expected.view(np.uint32))
    np.testing.assert_allclose(noise, -np.log(expected.astype(np.float64)), rtol=1e-14, atol=1e-15)


def test_rows_of_a_batch_follow_each_other() -> None:
    """One call that fills a batch of four is replayed row by row."""
    generator = torch.Generator().manual_seed(5)
    expected = np.stack([torch.empty(4, 1000).exponential_(generator=generator).numpy() for _ in range(2)])
    sampler = Sampler.parse("torch-cpu@2.13:batch_size=4")
    rows = [
        sampler.gumbel(seed=5, positions=[0, 1], token_ids=np.arange(1000), vocab_size=1000, row=row)
        for row in range(4)
    ]

    assert np.array_equal(np.exp(-np.stack(rows, 1)).astype(np.float32), expected)


def test_multinomial_takes_the_largest_replayed_score() -> None:
    """``torch.multinomial`` of one sample is the arg-max of ln p + noise."""
    logits = torch.randn(4, 1000, generator=torch.Generator().manual_seed(1))
    probabilities = torch.softmax(logits, -1)
    drawn = torch.multinomial(probabilities, 1, generator=torch.Generator().manual_seed(9))[:, 0]
    sampler = Sampler.parse("torch-cpu@2.13")
    noise = [
        sampler.gumbel(seed=9, positions=[0], token_ids=np.arange(1000), vocab_size=1000, batch_size=4, row=row)
        for row in range(4)
    ]

    scores = probabilities.double().log().numpy() + np.concatenate(noise)
    assert scores.argmax(-1).tolist() == drawn.tolist()
