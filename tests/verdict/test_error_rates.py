"""The error rates of the verdict, over a few audits a case; ``scripts/measure_verdict.py`` alone has them over many."""

from __future__ import annotations

import importlib
from argparse import Namespace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

TABLES = ("level", "coverage", "consistency", "mix", "power", "deviations")


@pytest.fixture
def scripts(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The modules of the script, by name."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "scripts"))
    return {
        name: importlib.import_module(name)
        for name in ("measure_verdict", "verdict_tables", "demo_tables", "demo_pools", "simulated_audits")
    }


@pytest.mark.parametrize(("table", "repetitions"), [("level", 5), ("coverage", 15), ("consistency", 3)])
def test_no_rate_surely_misses_its_limit(
    table: str, repetitions: int, scripts: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """Honest sides are divergent in at most 2 %, intervals hold the truth in 91 %, a loss of two points is not consistent."""
    asked = Namespace(**dict.fromkeys(TABLES, False), simulated=True, repetitions=repetitions, processes=1)
    setattr(asked, table, True)

    assert scripts["measure_verdict"].measured(asked), capsys.readouterr().out
    assert len(capsys.readouterr().out.splitlines()) > 10


@pytest.fixture
def made_pools(scripts: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """In the place of the demo's runs: 400 honest answers of many lengths, 200 of an impostor with thirty times the mismatches."""
    simulated, pools, tables = (scripts[name] for name in ("simulated_audits", "demo_pools", "demo_tables"))
    common = {"tokens": (10, 64), "design_effect": 1.0}
    honest = simulated.Side(sequences=400, rate=0.01, **common)
    impostor = simulated.Side(sequences=200, rate=0.3, **common)
    made = {
        name: pools.Pool(*simulated.honest_or_not(np.random.default_rng(seed), side))
        for seed, (name, side) in enumerate({"honest": honest, "impostor": impostor}.items())
    }
    monkeypatch.setattr(
        tables, "pool", lambda _folder, _design, name: made["honest" if name == "honest" else "impostor"]
    )
    monkeypatch.setattr(tables, "LONG", 50)
    return tmp_path


def test_the_demos_rows_hold_on_made_up_answers(scripts: Any, made_pools: Path) -> None:
    """Short against long answers, and halves of the same prompts."""
    tables = scripts["demo_tables"]
    rows = [row for task in [*tables.level_tasks(made_pools), *tables.mix_tasks(made_pools)] for row in task(4)]

    assert len(rows) == 11
    assert all(row.holds for row in rows)


def test_power_is_measured_until_it_suffices(
    scripts: Any, made_pools: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """From size to size the share grows; the size for 90 % lies between two of them."""
    tables = scripts["demo_tables"]
    (task, *_) = tables.power_tasks(made_pools)
    rows = task(4)
    shares = [row for row in rows if "former audit, " in row.name]
    ratios = [row for row in rows if row.name.endswith("of the former audit's")]

    assert shares[0].share < shares[-1].share
    assert shares[-1].share > 0.9
    assert len(ratios) == 2
    assert all(row.share > 0 for row in ratios)
    assert capsys.readouterr().out.count("tokens a side for 90 %") == 4


@pytest.mark.parametrize(
    ("shares", "expected"),
    [
        ([0.1, 0.8, 0.98], (20, 40)),
        ([0.95], (10, 10)),
        ([0.1, 0.2], None),
        ([0.5, 0.9], (20, 20)),
        ([0.0, 1.0], (10, 20)),
    ],
)
def test_the_size_for_a_power_is_interpolated(
    shares: list[float], expected: tuple[float, float] | None, scripts: Any
) -> None:
    """None where no size has it."""
    size = scripts["demo_tables"].size_for(0.9, dict(zip((10, 20, 40), shares, strict=False)))

    assert (expected is None and np.isnan(size)) or (expected is not None and expected[0] <= size <= expected[1])


def test_the_error_of_a_size_is_that_of_its_shares_along_the_line(scripts: Any) -> None:
    """By the delta method: 84.1 % and 97.7 % lie one and two deviates out, with errors of 0.0338 and 0.0618 over 2,000 audits.

    90 % lies at 0.2816 of the way. So the place on it errs by the root of (0.7184 x 0.0338)^2 + (0.2816 x 0.0618)^2, and the
    size, 101.4, by that times ln(105 / 100) of itself.
    """
    error = scripts["demo_tables"].size_error(0.9, {100: 0.8413, 105: 0.9772}, 2000)

    assert error == pytest.approx(np.hypot(0.7184 * 0.0338, 0.2816 * 0.0618) * np.log(1.05) * 101.4, rel=0.1)
