"""How often a provider that fails is asked, of stand-ins for audits."""

from __future__ import annotations

from pathlib import Path

import pytest

from campaign_candidate import CANDIDATE
from token_difr.campaign.folder import Day
from token_difr.campaign.running import ask_provider
from token_difr.campaign.turns import Turns
from token_difr.errors import (
    AnswerError,
    AuthenticationError,
    EndpointUnreachableError,
    RunDirectoryError,
    TokenDifrError,
    UnknownModelError,
)


class Failing:
    """An audit that fails so many times."""

    def __init__(self, error: TokenDifrError, times: int) -> None:
        self.error, self.times, self.calls = error, times, 0

    async def ask(self, *_: object) -> None:
        """Fails, or does nothing."""
        self.calls += 1
        if self.calls <= self.times:
            raise self.error


@pytest.mark.parametrize(
    ("error", "times", "calls", "whole"),
    [
        (EndpointUnreachableError("busy"), 2, 3, True),
        (EndpointUnreachableError("gone"), 99, 3, False),
        (AnswerError("white space"), 99, 3, False),
        (AuthenticationError("the key"), 99, 1, False),
        (UnknownModelError("the model"), 99, 1, False),
        (RunDirectoryError("another audit"), 99, 1, False),
    ],
)
async def test_who_fails_is_asked_again_where_that_may_help(
    tmp_path: Path, error: TokenDifrError, times: int, calls: int, whole: bool
) -> None:
    """A key, a model or a directory that is wrong stays so; the reason is kept until all is there."""
    audits, told, day = Failing(error, times), list[str](), Day(tmp_path, "2026-01-01")
    day.path.mkdir()
    given = await ask_provider(audits, CANDIDATE, day, Turns(1), lambda _name, what: told.append(what))  # type: ignore[arg-type]
    assert given is whole
    assert audits.calls == calls
    assert day.failure("x") == (None if whole else str(error))
    assert sum(str(error) in line for line in told) == min(times, calls)
