"""What one provider's answers show beside those of the trusted ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from campaign_candidate import CANDIDATE
from tie_providers import SET, Provider
from token_difr.campaign.answers import Answers, board_of, read_answers
from token_difr.campaign.standing import standing_of
from token_difr.records import Verdict
from token_difr.run.redacting import redact_run
from token_difr.testing.loopback import serving
from token_difr.ties import audit_ties
from token_difr.ties.asking import Way

SOME = replace(SET, ties=SET.ties[:48])
TIES = len(SOME.ties)
NOISY = [bool(flip) for flip in np.random.default_rng(1).random(TIES) < 0.4]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of two runs: of a quiet provider, and of a noisy one that is judged beside it."""
    folder = tmp_path_factory.mktemp("runs")
    for name, flips in (("quiet", lambda _number: False), ("noisy", NOISY.__getitem__)):
        with serving(Provider(flips)) as url:
            baseline = folder / "quiet" if name == "noisy" else None
            how = {"model": "m", "way": Way.CHAT, "progress": False}
            audit_ties(SOME, provider=f"{url}/v1", out=folder / name, baseline=baseline, **how)  # type: ignore[arg-type]
    return folder


@pytest.fixture(scope="module")
def answers(runs: Path) -> dict[str, Answers]:
    """What they answered."""
    return {name: read_answers(runs / name) for name in ("quiet", "noisy")}


def test_a_run_without_its_texts_tells_as_much(runs: Path, answers: dict[str, Answers], tmp_path: Path) -> None:
    """The questions of a redacted run are known by their digests, as those of any other."""
    redact_run(runs / "noisy", tmp_path / "redacted")
    read, whole = read_answers(tmp_path / "redacted"), answers["noisy"]
    assert (read.tokens, read.outcomes, read.gaps) == (whole.tokens, whole.outcomes, whole.gaps)
    assert len(read.outcomes) == TIES


def test_who_is_like_one_of_the_trusted_has_a_large_p_value(answers: dict[str, Answers]) -> None:
    """Honest providers differ among themselves: divergent is who is like none of them."""
    alone = standing_of(CANDIDATE, answers["noisy"], [answers["quiet"]], None)
    beside = standing_of(CANDIDATE, answers["noisy"], [answers["quiet"], answers["noisy"]], None)

    assert alone.verdict is Verdict.DIVERGENT
    assert alone.deviations
    assert alone.p_value is not None
    assert alone.p_value < 0.01
    assert beside.p_value == 1.0


def test_a_trusted_provider_is_not_judged(answers: dict[str, Answers]) -> None:
    """Whatever it was compared with."""
    trusted = standing_of(replace(CANDIDATE, role="baseline"), answers["noisy"], [answers["quiet"]], None)
    assert (trusted.verdict, trusted.p_value, trusted.deviations, trusted.mixture) == (None, None, (), None)
    assert trusted.mismatch == pytest.approx(sum(NOISY) / TIES)


def test_what_is_not_there_is_said(tmp_path: Path, answers: dict[str, Answers]) -> None:
    """A provider that was not asked, and why one is not finished."""
    nothing = read_answers(tmp_path)
    assert standing_of(CANDIDATE, nothing, [answers["quiet"]], None).failure == "was not asked"
    assert standing_of(CANDIDATE, nothing, [], "it is gone").failure == "it is gone"
    assert standing_of(CANDIDATE, answers["noisy"], [answers["quiet"]], None).failure is None


def test_answers_stand_side_by_side(answers: dict[str, Answers]) -> None:
    """By question: outcomes, gaps and numbers that are the same for the same answer."""
    board = board_of([answers["quiet"], answers["noisy"], read_answers(Path("nowhere"))])
    assert board.outcomes.shape == board.tokens.shape == (3, TIES)
    assert (board.outcomes[0] == 0).all()
    assert (board.outcomes[1] > 0).sum() == sum(NOISY)
    assert (board.outcomes[2] == -1).all()
    np.testing.assert_array_equal(board.tokens[1] > 0, board.outcomes[1] > 0)
    np.testing.assert_allclose(sorted(board.gaps), sorted(tie.gap for tie in SOME.ties), rtol=1e-4)
