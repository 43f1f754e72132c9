"""A campaign of stand-ins, from its file to its report."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tie_providers import SET, Provider
from token_difr.campaign import check_campaign, read_campaign, report_of, run_campaign
from token_difr.campaign.answers import read_answers
from token_difr.cli import main
from token_difr.cli.campaign import exit_code
from token_difr.endpoint import blocking
from token_difr.errors import InputError, LimitError
from token_difr.records import Campaign, CampaignReport, Verdict
from token_difr.testing.loopback import serving

SOME = replace(SET, ties=SET.ties[::2])
TIES = len(SOME.ties)
GAPS = np.array([tie.gap for tie in SET.ties])
DAYS = ("2026-01-01", "2026-01-02")
run = blocking(run_campaign, "run_campaign")
check = blocking(check_campaign, "check_campaign")


def honest(seed: int) -> Callable[[int], bool]:
    """A machine of its own, whose flips fall with the gap."""
    flips = np.random.default_rng(seed).random(len(GAPS)) < 0.5 * np.exp(-GAPS / 0.2)
    return lambda number: bool(flips[number])


def flat(share: float) -> Callable[[int], bool]:
    """Flips whatever the gap."""
    flips = np.random.default_rng(9).random(len(GAPS)) < share
    return lambda number: bool(flips[number])


class Cast:
    """Stand-ins, and the campaign of them."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.providers = {
            "trusted": Provider(honest(1)),
            "honest": Provider(honest(2)),
            "twin-a": Provider(honest(3)),
            "twin-b": Provider(honest(3)),
            "bad": Provider(flat(0.7)),
            "dead": Provider(honest(4), most=9),
        }
        SOME.save(folder / "ties.json")
        self.file, self.out, self.told = folder / "c.toml", folder / "c", list[tuple[str, str]]()
        lines = ["[campaign]", 'model = "m"', 'ties = "ties.json"', 'by = "chat"', "budget = 1"]
        for name, provider in self.providers.items():
            lines += ["[[provider]]", f'name = "{name}"', f'url = "{stack.enter_context(serving(provider))}/v1"']
            lines += ["price = { input = 10, output = 20 }", 'role = "baseline"' if name == "trusted" else ""]
        self.file.write_text("\n".join(lines))

    def campaign(self) -> Campaign:
        """As its file says."""
        return read_campaign(self.file)

    def run(self, day: str, *names: str) -> None:
        """One call; ``names`` alone are asked, where some are given."""
        whole = self.campaign()
        some = replace(whole, providers=tuple(each for each in whole.providers if not names or each.name in names))
        run(some, self.out, day, tell=lambda name, what: self.told.append((name, what)))


@pytest.fixture(scope="module")
def cast(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cast]:
    """A campaign on two dates: on the first one a provider dies, on the second one another is no longer honest."""
    with ExitStack() as stack:
        made = Cast(tmp_path_factory.mktemp("campaign"), stack)
        made.run(DAYS[0])
        made.providers["honest"].flips = lambda _number: True
        made.run(DAYS[1], "trusted", "honest", "twin-a")
        yield made


@pytest.fixture(scope="module")
def report(cast: Cast) -> CampaignReport:
    """From the folder alone."""
    return report_of(cast.out)


def test_everybody_is_what_it_is(report: CampaignReport) -> None:
    """On the first date: verdicts by Holm's p-values, groups, and the dead one with its reason."""
    first = {each.name: each for each in report.days[0].standings}

    assert [each.name for each in report.days[0].standings] == ["trusted", "honest", "twin-a", "twin-b", "bad", "dead"]
    assert first["trusted"].verdict is None
    assert first["trusted"].role == "baseline"
    assert first["bad"].verdict is Verdict.DIVERGENT
    assert {first[name].verdict for name in ("honest", "twin-a", "twin-b")} <= {
        Verdict.CONSISTENT,
        Verdict.INCONCLUSIVE,
    }
    assert set(first["honest"].groups) & set(first["trusted"].groups) & set(first["twin-a"].groups)
    assert not set(first["bad"].groups) & set(first["honest"].groups)
    assert (first["dead"].answers, first["dead"].asked, first["dead"].verdict) == (9, TIES, None)
    assert "no such model" in (first["dead"].failure or "")
    for each in first.values():
        if each.p_value is not None and each.adjusted is not None:
            assert each.p_value <= each.adjusted <= 1


def test_one_machine_under_two_names(report: CampaignReport) -> None:
    """Is named, and nobody else."""
    (pair,) = report.days[0].shared
    assert pair.names == ("twin-a", "twin-b")
    assert pair.same == pair.asked == TIES


def test_the_day_of_a_change_is_named(report: CampaignReport) -> None:
    """Of the one who changed, and of nobody else."""
    changed = [each for each in report.changes if each.seen is not None]
    assert [(each.name, each.before, each.since, each.seen) for each in changed] == [("honest", *DAYS, DAYS[1])]


def test_nothing_is_asked_twice(cast: Cast) -> None:
    """One provider's failure stops nobody, and who is there again is asked for the rest alone."""
    before = {name: list(provider.asked) for name, provider in cast.providers.items()}
    cast.providers["dead"].most = 10**6
    cast.run(DAYS[0])

    for name, provider in cast.providers.items():
        new = provider.asked[len(before[name]) :]
        assert len(new) == (TIES - 9 if name == "dead" else 0)
    assert read_answers(cast.out / DAYS[0] / "dead").responses == TIES
    standing = next(each for each in report_of(cast.out).days[0].standings if each.name == "dead")
    assert standing.failure is None
    assert standing.verdict is not None


def test_the_folder_alone_is_the_record(cast: Cast, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A copy elsewhere, without the file of ties, is shown the same; the forms say the same."""
    copy = tmp_path / "copy"
    copy.symlink_to(cast.out)
    texts = {}
    for form in ("terminal", "markdown", "json"):
        with pytest.raises(SystemExit) as ended:
            main(["campaign", "report", str(copy), "--format", form, "--every-date"])
        assert ended.value.code == 1
        texts[form] = capsys.readouterr().out
    for name in cast.providers:
        assert all(name in text for text in texts.values())
    assert json.loads(texts["json"])["changes"]
    assert all("divergent" in text and DAYS[0] in text for text in texts.values())


def test_progress_is_a_line_where_something_changes(cast: Cast) -> None:
    """At least a beginning and an end of each provider, and why one failed."""
    told = {name: [what for each, what in cast.told if each == name] for name in cast.providers}
    assert all(lines[0] in {"is asked", f"goes on, {TIES} answers are there"} for lines in told.values())
    assert any("no such model" in line for line in told["dead"])
    assert any(line.startswith("divergent by itself: ") for line in told["bad"])


def test_what_it_takes_is_known_beforehand(cast: Cast, tmp_path: Path) -> None:
    """Requests, tokens and dollars of all; where everything is there, nothing is to be sent."""
    checked = check(cast.campaign(), tmp_path / "new", DAYS[0])
    assert [each.estimate.requests for each in checked] == [TIES] * len(cast.providers)
    assert checked[0].estimate.max_cost == pytest.approx(TIES * (10 + 20) / 1e6)
    assert not (tmp_path / "new").exists()
    assert sum(each.estimate.requests for each in check(cast.campaign(), cast.out, DAYS[0])) == 0


def test_a_budget_ends_it_before_anything_is_sent(cast: Cast, tmp_path: Path) -> None:
    """And no folder is made."""
    tight = tmp_path / "tight.toml"
    (tmp_path / "ties.json").write_bytes((cast.file.parent / "ties.json").read_bytes())
    tight.write_text(cast.file.read_text().replace("budget = 1", "budget = 0.001"))
    before = [len(provider.asked) for provider in cast.providers.values()]
    with pytest.raises(LimitError, match="nothing was sent"):
        run(read_campaign(tight), tmp_path / "out", DAYS[0], tell=lambda *_: None)
    assert [len(provider.asked) for provider in cast.providers.values()] == before
    assert not (tmp_path / "out").exists()


def test_damage_is_shown_and_stops_nothing(cast: Cast, tmp_path: Path) -> None:
    """A run directory that cannot be read, and a failure's file that cannot."""
    day = tmp_path / "c" / DAYS[0]
    for name in ("trusted", "bad"):
        (day / name).mkdir(parents=True)
        (day / name / "run.json").write_text("{")
    (day / "campaign.toml").write_bytes(cast.file.read_bytes())
    (day / "dead.failed.json").write_text("[")
    found = {each.name: each for each in report_of(tmp_path / "c").days[0].standings}
    assert "is damaged" in (found["bad"].failure or "")
    assert "damaged" in (found["dead"].failure or "")
    assert found["honest"].failure == "was not asked"
    assert exit_code(report_of(tmp_path / "c")) == 3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["report", "nowhere"], "holds no date of a campaign"),
        (["run", "c.toml", "--date", "2026-13-01"], "--date takes a date"),
        (["run", "c.toml", "--date", "20260101"], "--date takes a date"),
        (["run", "c.toml", "--format", "html"], "--format takes one of"),
        (["check", "none.toml"], "cannot read the campaign"),
    ],
)
def test_wrong_use(cast: Cast, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str) -> None:
    """Is said, with exit code 2."""
    given = [str(cast.file) if each == "c.toml" else each for each in arguments]
    with pytest.raises(SystemExit) as ended:
        main(["campaign", *given])
    assert ended.value.code == 2
    assert words in capsys.readouterr().err


def test_a_folder_without_a_campaign(tmp_path: Path) -> None:
    """Files, and folders that are no dates, are none."""
    (tmp_path / "2026-01-01").mkdir()
    with pytest.raises(InputError, match="holds no date"):
        report_of(tmp_path)
