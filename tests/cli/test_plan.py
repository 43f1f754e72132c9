"""``token-difr plan``: from runs and tables to answers, tokens, money and hours."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from token_difr.records import Asked, Audit, Response, SamplingParams, TokenSequence, TopKBatch
from token_difr.run import RunDirectory
from token_difr.run.baseline import baseline_of
from token_difr.run.deciding import decide_run
from token_difr.run.stages import score_run
from token_difr.run.verifying import verify_run
from token_difr.verdict.deviation_table import known_table, read_table

RunCli = Callable[..., tuple[int, str, str]]
ANSWERS, TOKENS = 40, 8


def run_of(path: Path, rate: float, *, temperature: float = 0.0, baseline: Path | None = None) -> Path:
    """A decided run of 40 answers of eight tokens, of which so many are not the reference's."""
    prompts = [[{"role": "user", "content": str(number)}] for number in range(ANSWERS)]
    params = SamplingParams(temperature=temperature)
    asked = Asked(provider="http://p/v1", model="small", params=params, max_tokens=TOKENS)
    rng, ids = np.random.default_rng(0), np.arange(TOKENS)
    with RunDirectory.create(path, prompts, Audit(asked=asked)) as run:
        for index in range(ANSWERS):
            run.keep_response(Response(index=index, content="an answer", finish_reason="stop", body={}))
        run.keep_sequences({index: TokenSequence([9], ids.tolist()) for index in range(ANSWERS)})
        for index in range(ANSWERS):
            wrong = rng.random(TOKENS) < rate
            rows = np.stack([ids + 10 * wrong, ids + 10 * ~wrong], axis=1).ravel()
            run.keep_rows(
                index,
                TopKBatch(
                    indptr=range(0, 2 * TOKENS + 1, 2),
                    token_ids=rows,
                    logprobs=[-0.1, -3.0] * TOKENS,
                    claimed=ids,
                    sequence_indptr=[0, TOKENS],
                    prompt_lengths=[5],
                ),
            )
        against = None if baseline is None else baseline_of(baseline, run.audit, out=path)
        decide_run(run, score_run(run), against)
    return path


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An honest run, an impostor's, one without a mismatch, and one whose noise is not replayed."""
    folder = tmp_path_factory.mktemp("planned")
    run_of(folder / "honest", 0.01)
    run_of(folder / "impostor", 0.1, baseline=folder / "honest")
    run_of(folder / "spotless", 0.0)
    run_of(folder / "unseen", 0.01, baseline=folder / "spotless")
    run_of(folder / "unreplayed", 0.0, temperature=1.0)
    return folder


def planned(run_cli: RunCli, *arguments: object) -> list[dict[str, Any]]:
    """What ``plan --json`` says of each deviation."""
    code, output, words = run_cli("plan", "--json", *arguments)
    assert code == 0, words
    found: list[dict[str, Any]] = json.loads(output)["deviations"]
    return found


def test_the_plan_of_the_demo(run_cli: RunCli) -> None:
    """Each deviation, the finer the more answers; money and hours follow from what was given."""
    found = {
        each["deviation"]: each
        for each in planned(run_cli, "--price-input", 1, "--price-output", 2, "--rate", 60, "--power", 0.8)
    }
    assert list(found) == [each.name for each in known_table().deviations]
    assert found["int8 weights"]["sequences"] > found["int4 weights"]["sequences"]
    for each in found.values():
        assert each["probability"] >= 0.8
        assert each["hours"] == pytest.approx(each["sequences"] / 3600)
        assert each["cost"] == pytest.approx((each["prompt_tokens"] + 2 * each["output_tokens"]) / 1e6)


def test_the_other_way_round(run_cli: RunCli) -> None:
    """How surely so many answers show each; more of them, where the prompts are other ones too."""
    for more in ((), ("--other-prompts",)):
        small, large = (planned(run_cli, "--sequences", count, *more) for count in (12, 40))
        assert all(each["sequences"] == 12 for each in small)
        assert all(few["probability"] <= many["probability"] + 0.05 for few, many in zip(small, large, strict=True))


def test_a_pilot_gives_noise_and_lengths(runs: Path, run_cli: RunCli) -> None:
    """Shorter answers hold less, so that more of them are needed; no noise is fine."""
    demo, mine = (
        planned(run_cli, "--deviation", "int8 weights", *more)[0] for more in ((), ("--pilot", runs / "honest"))
    )
    assert mine["sequences"] > demo["sequences"]
    assert mine["output_tokens"] == TOKENS * mine["sequences"]
    assert mine["prompt_tokens"] == 5 * mine["sequences"]
    assert planned(run_cli, "--pilot", runs / "spotless")[1]["sequences"] > 0


def test_a_table_of_ones_own(runs: Path, tmp_path: Path, run_cli: RunCli) -> None:
    """From the run of an impostor and an honest one; a second deviation is added, one of the same name replaced."""
    out = tmp_path / "deviations.toml"
    measure = ("--measure", runs / "impostor", "--honest", runs / "honest", "--out", out)
    for name in ("ten percent", "another name", "ten percent"):
        assert [each["deviation"] for each in planned(run_cli, *measure, "--deviation", name)] == [name]
    table = read_table(out.read_text(encoding="utf-8"))
    assert (table.model, [each.name for each in table.deviations]) == ("small", ["another name", "ten percent"])
    assert table.deviations[0].statistics["mismatch_rate"].mean == pytest.approx(0.09, abs=0.03)
    assert len(planned(run_cli, "--deviations", out)) == 2
    code, output, _ = run_cli("plan", "--deviations", out)
    assert code == 0
    assert "Deviations as large as on small." in " ".join(output.split())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--power", 1), "--power should be above 0 and below 1"),
        (("--power", "nan"), "--power should be"),
        (("--level", 0), "level"),
        (("--rate", 0), "--rate should be above 0"),
        (("--sequences", 0), "--sequences"),
        (("--price-input", "nan", "--price-output", 1), "--price-input"),
        (("--deviation", "none of them"), "no deviation 'none of them'"),
        (("--deviations", "nowhere.toml"), "nowhere.toml cannot be read"),
        (("--deviations", "RUNS"), "cannot be read"),
        (("--deviations", "RUNS/honest/scores.npz"), "no table of deviations"),
        (("--deviations", "RUNS/honest/run.json"), "is TOML"),
        (("--pilot", "nowhere"), "nowhere is not a run directory"),
        (("--pilot", "RUNS/unreplayed"), "noise is not replayed"),
        (("--pilot", "RUNS/honest", "--deviation", "temperature 1.1"), "no deviation 'temperature 1.1' for answers as"),
        (("--measure", "RUNS/impostor"), "missing: --honest, --out"),
        (("--measure", "RUNS/impostor", "--honest", "RUNS/impostor", "--out", "x"), "own baseline"),
        (("--measure", "RUNS/unreplayed", "--honest", "RUNS/honest", "--out", "x"), "noise is not replayed"),
        (("--measure", "RUNS/impostor", "--honest", "RUNS/unreplayed", "--out", "x"), "cannot be compared"),
    ],
)
def test_wrong_input(arguments: tuple[object, ...], words: str, runs: Path, run_cli: RunCli) -> None:
    """Exit code 2, and a word on it."""
    code, output, said = run_cli("plan", *(str(part).replace("RUNS", str(runs)) for part in arguments))
    assert (code, output) == (2, "")
    assert words in " ".join(said.split())


@pytest.mark.parametrize(
    ("name", "opening"),
    [
        ("unseen", "This run of 40 answers would have shown"),
        ("honest", "Beside a baseline of as many, this run of 40 answers would have shown"),
        ("unreplayed", "What this run could have shown is not known"),
    ],
)
def test_an_inconclusive_report_ends_with_what_could_have_been_seen(
    name: str, opening: str, runs: Path, run_cli: RunCli
) -> None:
    """In every form; and ``verify-run`` makes it anew."""
    for form in ("terminal", "markdown", "json", "junit", "html"):
        code, output, _ = run_cli("report", runs / name, "--format", form)
        assert code == 3
        assert opening in " ".join(output.split()), form
    assert {check.name: check.held for check in verify_run(runs / name)}["power"] is True


def test_what_could_have_been_seen_is_part_of_what_is_verified(runs: Path) -> None:
    """Other figures are found; and a verdict has none."""
    with RunDirectory.resume(runs / "unseen") as run:
        report = run.report()
        assert report is not None
        assert report.power is not None
        run.keep_report(replace(report, power=replace(report.power, sentence="It would have shown everything.")))
    assert {check.name: check.held for check in verify_run(runs / "unseen")}["power"] is False
    with RunDirectory.read(runs / "impostor") as run:
        report = run.report()
        assert report is not None
        assert report.power is None
