"""Numbers that others state are of a type and within a range, or are not known."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from token_difr.services import StatedUsage
from token_difr.untrusted import money, read_json, read_logprob, token_count, whole_number

NO_COUNTS = [
    *("9" * 4300, "9" * 21, "1e400", "1e300", "-1", "-0.5", "0.5", "true", "false", "null", '"7"', '"1e3"', "[]", "{}"),
    *("NaN", "Infinity", "-Infinity", "1e10", "10000000000"),
]


@pytest.mark.parametrize("text", NO_COUNTS, ids=lambda text: text[:12])
def test_no_count(text: str) -> None:
    """Whatever is no number of tokens counts as not stated, in every field of ``usage``."""
    names = ("prompt_tokens", "completion_tokens", "total_tokens", "reasoning_tokens")
    usage = read_json('{"usage": {' + ", ".join(f'"{name}": {text}' for name in names) + "}}")
    assert isinstance(usage, dict)
    assert StatedUsage.of(usage) == StatedUsage()


@pytest.mark.parametrize(("text", "count"), [("0", 0), ("7", 7), ("7.0", 7), ("1e3", 1000), ("1000000000", 10**9)])
def test_counts(text: str, count: int) -> None:
    """As whole numbers, which some write with a decimal point."""
    assert token_count(read_json(text)) == count


@pytest.mark.parametrize(
    ("value", "dollars"),
    [(0, 0.0), (0.25, 0.25), (-0.1, None), (1e7, None), (10**400, None), (math.nan, None), (True, None), ("1", None)],
)
def test_money(value: Any, dollars: float | None) -> None:
    """A cost that nobody can have meant is none."""
    assert money(value) == dollars


@pytest.mark.parametrize(
    ("value", "logprob"),
    [
        *[
            (-0.5, -0.5),
            (0, 0.0),
            (-0.0, 0.0),
            (0.005, 0.005),
            (-9998.0, -9998.0),
            (None, None),
            (True, None),
            ("x", None),
        ],
        *[(value, math.nan) for value in (-9999.0, -3.4028235e38, -(10**400), -math.inf, "-inf", "nan")],
        *[(value, math.nan) for value in (0.5, 1, math.inf, 10**400, math.nan)],
    ],
)
def test_logprobs(value: Any, logprob: float | None) -> None:
    """What stands for minus infinity, and what is the log of no probability, is not known."""
    found = read_logprob(value)
    assert found == logprob or (found is not None and math.isnan(found) and logprob is not None and math.isnan(logprob))


@given(st.booleans() | st.integers() | st.floats() | st.text())
def test_no_number_is_too_much(value: Any) -> None:
    """Whatever stands in an answer is read without an error, as a number that can be written again, or not at all."""
    for read in (whole_number, token_count, money, read_logprob):
        found = read(read_json(json.dumps(value)))
        assert found is None or math.isnan(found) or len(str(found)) < 25


@pytest.mark.parametrize("text", ["[" * 101 + "]" * 101, '{"a":' * 150 + "1" + "}" * 150, "[" * 99_999, "{", "", "nul"])
def test_no_json(text: str) -> None:
    """Levels without end, and no JSON, are one kind of error."""
    with pytest.raises(ValueError, match=r"nested more than 100 levels|char"):
        read_json(text)


def test_digits() -> None:
    """A number with more digits than 64 bits have is read as a float, and can be written again."""
    given_numbers = read_json(f"[{2**64 - 1}, {'9' * 5000}, -{'9' * 30}]")
    assert given_numbers == [2**64 - 1, math.inf, -1e30]
