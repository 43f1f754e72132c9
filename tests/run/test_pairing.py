"""Which answers of two runs are to the same prompt."""

from __future__ import annotations

import numpy as np
import pytest

from token_difr.run.pairing import pairs_by_prompt, prompt_digests


@pytest.mark.parametrize(
    ("candidate", "baseline", "pairs"),
    [
        ("abc", "cab", [[0, 1], [1, 2], [2, 0]]),
        ("abcd", "ba", [[0, 1], [1, 0]]),
        ("abcde", "ab", None),
        ("abc", "xyz", None),
        ("aab", "aaab", [[0, 0], [1, 1], [2, 3]]),
        ("", "a", None),
    ],
)
def test_pairs(candidate: str, baseline: str, pairs: list[list[int]] | None) -> None:
    """Each answer in one pair at most, in order; None where less than half of the candidate's prompts are shared."""
    found = pairs_by_prompt(candidate, baseline)

    assert (None if found is None else found.tolist()) == pairs
    assert found is None or found.dtype == np.int64


def test_a_prompt_is_known_by_what_it_says() -> None:
    """Whatever the order of its keys."""
    one, same, other = prompt_digests(
        [
            [{"role": "user", "content": "a"}],
            [{"content": "a", "role": "user"}],
            [{"role": "user", "content": "b"}],
        ]
    )
    assert one == same != other
