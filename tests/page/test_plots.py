"""A run's charts as files of their own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from token_difr.errors import InputError
from token_difr.page.plots import write_plots
from token_difr.records import Audit, Response, TokenSequence, TopKBatch
from token_difr.run import RunDirectory
from token_difr.run.deciding import decide_run
from token_difr.run.stages import score_run

RunCli = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A decided run of two answers, in each of which a token is not the reference's."""
    path, ids = tmp_path_factory.mktemp("plots") / "run", [5, 6, 7, 8]
    with RunDirectory.create(path, [[{"role": "user", "content": str(n)}] for n in range(2)], Audit()) as made:
        for index in range(2):
            made.keep_response(Response(index=index, content="text"))
        made.keep_sequences({index: TokenSequence([1], ids) for index in range(2)})
        rows = TopKBatch.from_rows(
            [[(9, -0.1), (5, -2.0)], *([(token, -0.1), (9, -2.0)] for token in ids[1:])], ids, prompt_lengths=[1]
        )
        for index in range(2):
            made.keep_rows(index, rows)
        decide_run(made, score_run(made))
    return path


def test_each_chart_is_a_file(run: Path, run_cli: RunCli, tmp_path: Path) -> None:
    """SVG that stands alone, and the same as pixels where the extra is there; again gives the same bytes."""
    code, _, told = run_cli("report", run, "--plots", tmp_path / "plots")
    assert code == 3
    files = sorted((tmp_path / "plots").iterdir())
    assert [file.suffix for file in files] == [".png", ".svg"] * 2
    assert told.count("written: ") == len(files)
    for file in files:
        if file.suffix == ".svg":
            root = ET.fromstring(file.read_bytes())  # noqa: S314 - our own
            assert root.tag == "{http://www.w3.org/2000/svg}svg"
            assert not [value for each in root.iter() for value in each.attrib.values() if "//" in value]
        else:
            width, height = np.frombuffer(file.read_bytes()[16:24], ">u4")
            assert width > height > 100
    before = [file.read_bytes() for file in files]
    assert write_plots(run, tmp_path / "plots")
    assert [file.read_bytes() for file in files] == before


def test_without_the_extra_there_is_no_png(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And nothing else is missing."""
    monkeypatch.setattr("token_difr.page.plots.find_spec", lambda _: None)
    assert {file.suffix for file in write_plots(run, tmp_path / "plots")} == {".svg"}


def test_a_place_that_cannot_be_written_is_named(run: Path, tmp_path: Path) -> None:
    """A file where the folder should be."""
    (tmp_path / "plots").write_text("")
    with pytest.raises(InputError, match="cannot write the plots"):
        write_plots(run, tmp_path / "plots")
