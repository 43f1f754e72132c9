"""A campaign of whole answers, of the demo's model over loopback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from token_difr.answers import read_prompts
from token_difr.campaign import check_campaign, read_campaign, report_of, run_campaign
from token_difr.demo_model import DEMO, PROMPTS_FILE
from token_difr.endpoint import blocking
from token_difr.engine.rounding import WeightRounding
from token_difr.records import CampaignReport, Verdict
from token_difr.server import ModelService, ServerSettings
from token_difr.server.listening import running

PROMPTS = 16
DAY = "2026-01-01"
CAST = {"trusted": WeightRounding.BF16, "honest": WeightRounding.BF16, "int4": WeightRounding.INT4}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The campaign's file, while its providers are served."""
    folder = tmp_path_factory.mktemp("full")
    lines = PROMPTS_FILE.read_text(encoding="utf-8").splitlines()[:PROMPTS]
    (folder / "prompts.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert len(read_prompts(folder / "prompts.jsonl")) == PROMPTS
    text = ["[campaign]", f'model = "{DEMO}"', 'prompts = "prompts.jsonl"', "max_tokens = 8", "full = true"]
    text += ["[campaign.reference]", f'url = "{DEMO}"']
    with ExitStack() as stack:
        urls = {
            weights: stack.enter_context(running(ModelService(ServerSettings(model=DEMO, weights=weights))))
            for weights in dict.fromkeys(CAST.values())
        }
        for name, weights in CAST.items():
            text += ["[[provider]]", f'name = "{name}"', f'url = "{urls[weights]}"']
            text += ['role = "baseline"'] if name == "trusted" else []
        made = folder / "c.toml"
        made.write_text("\n".join(text))
        yield made


@pytest.fixture(scope="module")
def report(file: Path) -> CampaignReport:
    """After one call."""
    run = blocking(run_campaign, "run_campaign")
    run(read_campaign(file), file.with_suffix(""), DAY, tell=lambda *_: None)
    return report_of(file.with_suffix(""))


def test_whole_answers_are_judged_by_the_reference(report: CampaignReport) -> None:
    """Verdicts, groups and what the deviation is as large as."""
    found = {each.name: each for each in report.days[0].standings}
    assert report.full
    assert found["int4"].verdict is Verdict.DIVERGENT
    assert found["int4"].deviations
    assert found["honest"].verdict is not Verdict.DIVERGENT
    assert found["honest"].groups == found["trusted"].groups != found["int4"].groups
    assert all(each.answers == each.asked == PROMPTS and each.mixture is None for each in found.values())


def test_without_ties_no_change_is_looked_for(report: CampaignReport) -> None:
    """Nor is anybody one machine without a third that is like both."""
    assert report.changes == ()
    assert report.days[0].shared == ()


def test_what_is_there_is_not_asked_again(file: Path, report: CampaignReport) -> None:
    """Nothing is left to send."""
    assert report.days
    checked = blocking(check_campaign, "check_campaign")(read_campaign(file), file.with_suffix(""), DAY)
    assert [(each.estimate.requests, each.failure) for each in checked] == [(0, None)] * len(CAST)
