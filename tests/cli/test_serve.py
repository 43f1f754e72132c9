"""``token-difr serve``: what the command line says, in the settings of each model."""

from __future__ import annotations

from typing import Any

import pytest

from token_difr import server
from token_difr.cli import main
from token_difr.server import ServerSettings


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[ServerSettings]:
    """The settings that a server would have been started with."""
    settings: list[ServerSettings] = []

    def serve(*given: ServerSettings, **_: Any) -> None:
        settings.extend(given)

    monkeypatch.setattr(server, "serve", serve)
    return settings


def exit_code(*arguments: str) -> object:
    """What the command line ends with."""
    with pytest.raises(SystemExit) as ended:
        main(["serve", *arguments])
    return ended.value.code


def test_one_model_or_several(served: list[ServerSettings]) -> None:
    """The argument, or an option a model on what the command line says for all."""
    assert exit_code("demo", "--model-name", "m", "--grace-seconds", "2") == 0
    arguments = ["--model", "a=demo", "--model", "b=demo,echo-bos,max-logprobs=-1", "--max-logprobs", "5"]
    assert exit_code(*arguments, "--api-key", "k") == 0

    assert [(one.name, one.model) for one in served] == [("m", "demo"), ("a", "demo"), ("b", "demo")]
    assert served[0].grace_seconds == 2
    assert [one.max_logprobs for one in served[1:]] == [5, -1]
    assert [one.echo_bos for one in served[1:]] == [False, True]
    assert [one.api_key for one in served[1:]] == ["k", "k"]


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["demo", "--model", "a=demo"],
        ["--model", "a=demo", "--model-name", "m"],
        ["--model", "demo"],
        ["demo", "--api-key="],
        ["demo", "--force-top-p", "0"],
        ["demo", "--force-top-p", "-1"],
        ["demo", "--force-top-p", "1.5"],
        ["demo", "--faults", "nan"],
        ["demo", "--temperature-scale", "inf"],
        ["demo", "--latency", "nan"],
        ["demo", "--force-seed", str(2**64)],
    ],
)
def test_what_cannot_be_served_is_said_at_the_start(
    served: list[ServerSettings], capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    """Exit 2 and a reason, and nothing is started."""
    assert exit_code(*arguments) == 2
    assert capsys.readouterr().err.strip()
    assert not served
