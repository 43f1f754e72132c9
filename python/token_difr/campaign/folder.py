"""The folder of a campaign: one folder a date, one run directory a provider in it. The folder is the record; nothing else is kept.

DIR/2026-11-28/campaign.toml          the campaign's file as it was
DIR/2026-11-28/NAME                   the provider's run directory
DIR/2026-11-28/NAME.failed.json       why it is not finished; gone as soon as it is
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from token_difr.campaign.file import read_campaign
from token_difr.errors import InputError, RunDirectoryError
from token_difr.records import Campaign
from token_difr.run.files import write_whole
from token_difr.run.manifest import now
from token_difr.untrusted import printable

__all__ = ["Day", "days_of", "parsed_date"]

CAMPAIGN = "campaign.toml"
FAILED = ".failed.json"
LONGEST_REASON = 2000


class Day:
    """The folder of one date.

    Attributes:
        date: The date, by ISO 8601.
        path: Its folder.
    """

    def __init__(self, out: Path, day: str) -> None:
        self.date, self.path = day, out / day

    def begin(self, campaign: Campaign) -> None:
        """Make the folder, and keep the campaign's file in it.

        Raises:
            RunDirectoryError: It cannot be written.
        """
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            text = campaign.path.read_bytes()
        except OSError as error:
            raise RunDirectoryError(f"cannot make the folder {self.path}: {error.strerror}") from error
        if not self._file.exists() or self._file.read_bytes() != text:
            write_whole(self._file, text)

    def campaign(self) -> Campaign:
        """The campaign as it was on that date; files that it names may be gone since.

        Raises:
            InputError: The copy is damaged.
        """
        return read_campaign(self._file, stored=True)

    def run(self, provider: str) -> Path:
        """The provider's run directory."""
        return self.path / provider

    def keep_failure(self, provider: str, reason: str) -> None:
        """Why its run is not finished."""
        kept = {"time": now(), "reason": printable(reason, longest=LONGEST_REASON)}
        write_whole(self._failure(provider), (json.dumps(kept) + "\n").encode("ascii"))

    def clear_failure(self, provider: str) -> None:
        """It is finished."""
        self._failure(provider).unlink(missing_ok=True)

    def failure(self, provider: str) -> str | None:
        """Why its run is not finished; None where nothing is known of a failure."""
        try:
            kept = json.loads(self._failure(provider).read_bytes())
            return printable(str(kept["reason"]), longest=LONGEST_REASON)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return "what was kept of its failure is damaged"

    @property
    def _file(self) -> Path:
        return self.path / CAMPAIGN

    def _failure(self, provider: str) -> Path:
        return self.path / f"{provider}{FAILED}"


def days_of(out: Path) -> list[Day]:
    """The dates of a campaign's folder, earliest first.

    Raises:
        InputError: It holds none.
    """
    days = [Day(out, name) for name in sorted(_dated(out))]
    if not days:
        raise InputError(f"{out} holds no date of a campaign: token-difr campaign run --out {out} makes one")
    return days


def parsed_date(text: str | None) -> str:
    """A date by ISO 8601, such as 2026-11-28; None = today, in UTC.

    Raises:
        InputError: None such.
    """
    if text is None:
        return now()[:10]
    try:
        if date.fromisoformat(text).isoformat() == text:
            return text
    except ValueError:
        pass
    raise InputError(f"--date takes a date such as 2026-11-28, not {printable(repr(text), longest=60)}")


def _dated(out: Path) -> Iterator[str]:
    if not out.is_dir():
        return
    for folder in out.iterdir():
        try:
            if (folder / CAMPAIGN).is_file() and parsed_date(folder.name):
                yield folder.name
        except InputError:
            continue
