"""The JSON report: strict, the same report when read back, and refused with one error when damaged."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from token_difr import InputError, Scores
from token_difr.records import Report
from token_difr.report import FORMS, render, report_from_json, report_to_json, summary_to_json
from token_difr.verdict import decide


def scores_of(seed: int, rate: float) -> Scores:
    """40 sequences of 16 tokens."""
    rng = np.random.default_rng(seed)
    margin = np.where(rng.random(640) < rate, rng.exponential(0.5, 640), 0.0).astype(np.float32)
    return Scores.from_margins(margin, np.arange(0, 641, 16), prob=np.exp(-margin), logit_rank=np.sign(margin))


def test_a_decision_survives_the_round_trip_through_strict_json(reports: dict[str, Report]) -> None:
    """With and without a baseline."""
    for baseline in (None, scores_of(1, 0.02)):
        report = replace(reports["divergent"], diagnosis=None, decision=decide(scores_of(0, 0.05), baseline))
        text = json.dumps(report_to_json(report), allow_nan=False)

        assert report_from_json(json.loads(text)) == report


@pytest.mark.parametrize("name", ["divergent", "consistent", "alone"])
def test_a_report_survives_the_round_trip(reports: dict[str, Report], name: str) -> None:
    """Audit, findings, partings, diagnosis and provenance too; the form ``json`` is what is stored."""
    read = report_from_json(json.loads(render(reports[name], "json")))
    assert repr(read) == repr(reports[name])  # NaN is unequal to itself


def test_evidence_of_findings_is_kept_as_it_stands(reports: dict[str, Report]) -> None:
    """Whatever JSON values a check gives: lists in lists, and null where there was nothing."""
    evidence = {"tokens": 0, "rates": [0.5, None], "by_name": {"a b": [[1, 2], []]}, "known": True}
    finding = replace(reports["divergent"].findings[0], evidence=evidence)
    report = replace(reports["divergent"], diagnosis=None, findings=(finding,))
    assert report_from_json(json.loads(render(report, "json"))) == report


def test_what_is_not_a_number_is_null(reports: dict[str, Report]) -> None:
    """A run without tokens has no rate; JSON has no NaN. It is read as NaN again."""
    decision = decide(Scores.from_margins(np.empty(0, np.float32), np.array([0])))
    values = report_to_json(replace(reports["alone"], decision=decision))

    json.dumps(values, allow_nan=False)
    assert values["summary"]["exact_match_rate"] == [None, None, None]
    assert report_to_json(report_from_json(values)) == values
    assert np.isnan(report_from_json(values).decision.summary.mean_prob)


def test_a_report_from_before_there_were_diagnoses(reports: dict[str, Report]) -> None:
    """Is read as one without."""
    values = report_to_json(reports["consistent"])
    del values["diagnosis"]
    assert report_from_json(values) == reports["consistent"]


def test_a_summary_alone(reports: dict[str, Report]) -> None:
    """As inside a report, with a format of its own."""
    report = reports["alone"]
    within = report_to_json(report)["summary"]
    assert summary_to_json(report.decision.summary) == {"format": 1, **within}


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ((), [], "damaged.*no JSON object"),
        (("format",), 0, "has format 0"),
        (("format",), True, "damaged.*no format number"),
        (("summary",), {}, r"damaged.*decision\.summary\.decided_tokens is missing"),
        (
            ("summary", "tokens"),
            True,
            r"decision\.summary\.tokens should be a whole number, not of type bool",
        ),
        (("summary", "mean_prob"), "1", r"decision\.summary\.mean_prob should be a number"),
        (("summary", "exact_match_rate"), [1.0], r"exact_match_rate has 1 entries, not 3"),
        (("verdict",), "fine", "verdict should be consistent or divergent or inconclusive"),
        (("findings", 0, "level"), [], r"findings\[0\]\.level should be note or warning"),
        (("audit", "asked", "params", "temperature"), -1.0, r"audit\.asked\.params: temperature must be"),
        (("audit", "prompts", "\x1b"), 1, r"audit\.prompts\.\\x1b is not known"),
        (("provenance", "decided"), None, r"provenance\.decided should be text"),
    ],
)
def test_what_is_no_report_is_refused(
    reports: dict[str, Report], path: tuple[str | int, ...], value: object, words: str
) -> None:
    """Another format, and whatever does not fit its field: the error says where."""
    with pytest.raises(InputError, match=words) as caught:
        report_from_json(changed(report_to_json(reports["divergent"]), path, value))
    assert "decide the run again" in str(caught.value)


def changed(values: Any, path: tuple[str | int, ...], value: object) -> Any:
    """The same, with another value at ``path``."""
    if not path:
        return value
    first, *rest = path
    if isinstance(first, int):
        return [changed(item, tuple(rest), value) if index == first else item for index, item in enumerate(values)]
    return {**values, first: changed(values.get(first), tuple(rest), value)}


def paths(values: Any) -> list[tuple[str | int, ...]]:
    """Where there is a value, at any depth."""
    items = (
        list(values.items())
        if isinstance(values, dict)
        else list(enumerate(values))
        if isinstance(values, list)
        else []
    )
    return [(), *((key, *rest) for key, item in items for rest in paths(item))]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.just(10**400) | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


@given(data=st.data())
def test_damage_is_refused_or_harmless(reports: dict[str, Report], data: st.DataObject) -> None:
    """Whatever stands in a report's place or in one of its fields: one kind of error, or a report that every form shows."""
    values = report_to_json(reports[data.draw(st.sampled_from(sorted(reports)))])
    for _ in range(data.draw(st.integers(1, 3))):
        values = changed(values, data.draw(st.sampled_from(paths(values))), data.draw(JSON))
    try:
        report = report_from_json(values)
    except InputError:
        return
    for form in FORMS:
        render(report, form)
