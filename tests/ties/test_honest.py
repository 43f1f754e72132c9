"""What honest runs gave: kept in a file with whose runs they were, and learnt from by audits of any day."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tie_providers import SET, TIES, Provider, never, one_in
from token_difr.errors import InputError
from token_difr.records import Verdict
from token_difr.run.manifest import sealed
from token_difr.testing.loopback import serving
from token_difr.ties import HonestFlips, TieSet, audit_ties
from token_difr.ties.asking import Way
from token_difr.ties.honest import curve_of, read_honest

RunCli = Callable[..., tuple[int, str, str]]


def asked(provider: Provider, out: Path, ties: TieSet = SET, **how: Any) -> Path:
    """The run directory of an audit."""
    with serving(provider) as url:
        return audit_ties(ties, provider=f"{url}/v1", model="m", out=out, way=Way.CHAT, progress=False, **how).path


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Four honest runs, two of them noisier than the others."""
    folder = tmp_path_factory.mktemp("honest")
    return [asked(Provider(one_in(each)), folder / str(each)) for each in (19, 17, 7, 6)]


def test_a_file_keeps_what_they_gave_and_whose_it_was(runs: list[Path], tmp_path: Path) -> None:
    """Equal after a round trip; its curve is that of the runs."""
    flips = read_honest(runs, SET)
    flips.save(tmp_path / "honest.json")
    assert HonestFlips.load(tmp_path / "honest.json") == flips

    curve = curve_of([flips])
    assert curve is not None
    assert [Path(run.path) for run in curve.runs] == runs
    assert [run.fell for run in curve.runs] == [sum(map(one_in(each), range(TIES))) for each in (19, 17, 7, 6)]
    assert all(run.started and run.asked == TIES for run in curve.runs)
    assert curve.scatter > 0.3
    assert list(curve.probabilities) == sorted(curve.probabilities, reverse=True)


def test_a_run_is_not_learnt_from_where_it_is_bet_against(runs: list[Path], tmp_path: Path) -> None:
    """The baseline counts once, be it in the file too; what the others say counts for the bets, and for the kind."""
    everybody, others = read_honest(runs, SET), read_honest(runs[1:], SET)
    ended = {}
    for name, curve in (("all", everybody), ("others", others), ("none", None)):
        how: dict[str, Any] = {"baseline": runs[0], "until_verdict": True, "curve": curve}
        with serving(Provider(lambda _: True)) as url:
            run = audit_ties(
                SET, provider=f"{url}/v1", model="m", out=tmp_path / name, way=Way.CHAT, progress=False, **how
            )
        assert run.verdict is Verdict.DIVERGENT, run.decision.reason
        ended[name] = run.decision.ties
    assert ended["all"] == ended["others"]
    assert ended["none"] is not None
    assert ended["all"] is not None
    assert ended["none"].sequential is not None
    assert ended["all"].sequential is not None
    assert ended["none"].sequential.spread == 1 < ended["all"].sequential.spread
    assert ended["all"].asked >= ended["none"].asked
    assert len(ended["all"].honest) == 1
    assert ended["all"].curve is not None
    assert len(ended["all"].curve.runs) == 4


def test_a_run_is_known_wherever_it_is(runs: list[Path], tmp_path: Path) -> None:
    """Its directory may have moved since; and an audit does not learn from itself."""
    learnt = read_honest(runs, SET)
    shutil.copytree(runs[0], tmp_path / "moved")
    spreads = list[float]()
    for baseline, curve in ((tmp_path / "moved", learnt), (runs[0], read_honest(runs[1:], SET))):
        out = tmp_path / f"run-{len(spreads)}"
        with serving(Provider(lambda _: True)) as url:
            how: dict[str, Any] = {"baseline": baseline, "until_verdict": True, "curve": curve, "way": Way.CHAT}
            run = audit_ties(SET, provider=f"{url}/v1", model="m", out=out, progress=False, **how)
            again = read_honest([out, *runs[1:]], SET)
            same = audit_ties(SET, provider=f"{url}/v1", model="m", out=out, progress=False, **{**how, "curve": again})
        assert run.decision.ties is not None
        assert same.decision.ties is not None
        assert run.decision.ties.sequential is not None
        spreads.append(run.decision.ties.sequential.spread)
        assert same.decision.ties.sequential == run.decision.ties.sequential
    assert spreads[0] == spreads[1] > 1


def test_a_spread_is_learnt_from_three_runs_on(runs: list[Path], tmp_path: Path) -> None:
    """Of two others; a stated one comes before it."""
    used = []
    for name, honest, stated in (("two", runs[1:2], None), ("three", runs[1:3], None), ("stated", runs[1:3], 1.5)):
        how: dict[str, Any] = {"baseline": runs[0], "honest": honest, "until_verdict": True, "spread": stated}
        with serving(Provider(lambda _: True)) as url:
            out = tmp_path / name
            run = audit_ties(SET, provider=f"{url}/v1", model="m", out=out, way=Way.CHAT, progress=False, **how)
        assert run.decision.ties is not None
        assert run.decision.ties.sequential is not None
        used.append(run.decision.ties.sequential.spread)
    assert used[0] == 1
    assert used[1] > 1.5
    assert used[2] == 1.5


def test_what_is_bet_on_a_tie_stands_before_the_audit(runs: list[Path], tmp_path: Path) -> None:
    """The wealth behind the ties that were asked is the same when more were: what others gave later on is known from the start."""
    how: dict[str, Any] = {"baseline": runs[0], "honest": runs[1:3], "until_verdict": True, "way": Way.CHAT}
    wealths = []
    with serving(Provider(one_in(12))) as url:
        for most in (40, 40):
            run = audit_ties(
                SET, provider=f"{url}/v1", model="m", out=tmp_path / "run", progress=False, most=most, **how
            )
            assert run.decision.ties is not None
            assert run.decision.ties.sequential is not None
            wealths.append(run.decision.ties.sequential.wealth)
    assert len(wealths[0]) < len(wealths[1])
    assert wealths[1][: len(wealths[0])] == wealths[0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"tokenizer_digest": "b" * 64}, "whose tokenizer is not that of these ties"),
        ({"precision": "bfloat16"}, "picked in bfloat16, these were picked in float32"),
        ({"precision": "fp32", "tokenizer_digest": None}, None),
    ],
)
def test_a_curve_of_another_world_is_refused(runs: list[Path], change: dict[str, Any], words: str | None) -> None:
    """Gaps of another model or precision mean another thing; nothing is asked then."""
    known = replace(read_honest(runs[1:], SET), tokenizer_digest="a" * 64)
    ties = replace(SET, precision="float32", tokenizer_digest="a" * 64)
    fitting = replace(known, **change)
    if words is None:
        fitting.check_fits(ties)
    else:
        with pytest.raises(InputError, match=words):
            fitting.check_fits(ties)


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        ("gaps", ["0.1"], "gaps[0] should be a number"),
        ("gaps", [None], "gaps must be finite"),
        ("flips", [[2]], "flips are 1, 0 or -1"),
        ("flips", [[True]], "should be a whole number"),
        ("flips", [], "one row a run"),
        ("runs", [{}], "is missing"),
        ("model", 7, "model should be text"),
    ],
)
def test_a_resealed_file_is_checked(tmp_path: Path, place: str, value: Any, words: str) -> None:
    """Whoever can compute the checksum still has to write records."""
    run = {"path": "run", "provider": None, "started": None, "asked": 1, "fell": 0}
    whole: dict[str, Any] = {"format": "honest flips 1", "model": "m", "tokenizer_digest": None, "precision": None}
    whole |= {"gaps": [0.1], "runs": [run], "flips": [[0]]}
    file = tmp_path / "honest.json"
    file.write_text(json.dumps(sealed(whole)))
    HonestFlips.load(file)
    file.write_text(json.dumps(sealed({**whole, place: value})))
    with pytest.raises(InputError, match="is damaged") as caught:
        HonestFlips.load(file)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        ("logprobs", [0.0, None], "logprobs are finite"),
        ("logprobs", [-2.0, -1.0], "the likeliest token comes first"),
        ("logprobs", [-1.0, "x"], "logprobs[1] should be a number"),
        ("token_ids", [1, 2**32 - 1], "token ids lie in 0 to"),
        ("token_ids", [1, 2.0], "should be a whole number"),
        ("prefix_token_ids", [-1], "token ids lie in 0 to"),
        ("prompt", "hello", "prompt should be a list"),
        ("prompt", ["hello"], "prompt[0] should be a mapping"),
        ("texts", [" one", 2], "texts[1] should be text"),
        ("texts", [" one"], "at least two tokens"),
    ],
)
def test_a_resealed_file_of_ties_is_checked(tmp_path: Path, place: str, value: Any, words: str) -> None:
    """Each value by its type and range, and where it stands."""
    file = tmp_path / "ties.json"
    replace(SET, ties=SET.ties[:2]).save(file)
    whole = {name: kept for name, kept in json.loads(file.read_text()).items() if name != "sha256"}
    whole["ties"][1][place] = value
    file.write_text(json.dumps(sealed(whole)))
    with pytest.raises(InputError, match="is damaged") as caught:
        TieSet.load(file)
    assert words in str(caught.value)
    assert "ties[1]" in str(caught.value)


def test_a_file_without_a_precision_is_read(tmp_path: Path) -> None:
    """As files were written before it was kept: it is not stated."""
    file = tmp_path / "ties.json"
    SET.save(file)
    whole = {name: kept for name, kept in json.loads(file.read_text()).items() if name not in {"sha256", "precision"}}
    file.write_text(json.dumps(sealed(whole)))
    assert TieSet.load(file) == SET


def test_the_command_learns_and_audits_with_it(run_cli: RunCli, runs: list[Path], tmp_path: Path) -> None:
    """``ties curve`` says what it learnt, and leaves files that are none of its own; ``ties audit --curve`` takes it."""
    ties, honest = tmp_path / "ties.json", tmp_path / "honest.json"
    SET.save(ties)
    code, shown, _ = run_cli("ties", "curve", *runs, "--ties", ties, "--out", honest)
    assert code == 0
    assert "of 144 fell the other way, begun 20" in " ".join(shown.split())
    assert "-fold" in shown
    hostile = tmp_path / "[/red]x"
    shutil.copytree(runs[0], hostile)
    code, shown, _ = run_cli("ties", "curve", hostile, "--ties", ties, "--out", tmp_path / "other.json")
    assert code == 0
    assert "[/red]x" in shown
    assert run_cli("ties", "curve", runs[0], "--ties", ties, "--out", honest)[0] == 0
    code, _, error = run_cli("ties", "curve", runs[0], "--ties", ties, "--out", ties)
    assert code == 2
    assert "holds no honest runs' curve" in error
    assert TieSet.load(ties) == SET
    with serving(Provider(never)) as url:
        asking = ("--ties", ties, "--provider", f"{url}/v1", "--model", "m", "--by", "chat", "--quiet", "--json")
        out = ("--out", tmp_path / "run", "--baseline", runs[0], "--curve", honest)
        code, output, _ = run_cli("ties", "audit", *asking, *out)
    assert code in {0, 3}
    assert json.loads(output)["ties"]["curve"]["runs"][0]["fell"] == 8
