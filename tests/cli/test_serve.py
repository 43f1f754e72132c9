"""``token-difr serve``: what the command line says, in the settings of each model."""

from __future__ import annotations

import inspect
from dataclasses import fields
from typing import Any

import pytest

from token_difr import server
from token_difr.cli import main, serve
from token_difr.cli.serve_models import model_options
from token_difr.server import ServerSettings
from token_difr.server.model.folder import DEMO


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


def test_options_of_a_model(served: list[ServerSettings]) -> None:
    """Values in their types, switches without one; what a model does not say is shared."""
    named = ["a=demo,weights=int4,kv-bits=4,force-top-p=0.5,text-only", "b=demo,ignore-seed,sampler=vllm@0.33"]
    assert exit_code("--model", named[0], "--model", named[1], "--max-logprobs", "5", "--latency", "0.5") == 0

    first, second = served
    assert (first.name, first.model, first.weights, first.kv_bits, first.force_top_p) == ("a", DEMO, "int4", 4, 0.5)
    assert (first.text_only, second.text_only, second.ignore_seed, second.weights) == (True, False, True, None)
    assert second.sampler.name == "vllm@0.33"
    assert [(one.max_logprobs, one.latency) for one in served] == [(5, 0.5)] * 2


def test_every_option_is_a_models_or_the_servers() -> None:
    """All that a model's settings hold can be said of each model, but for what is the server's."""
    own = model_options(serve.command, but=serve.OF_THE_SERVER)
    assert {name for name in serve.OF_THE_SERVER if name not in inspect.signature(serve.command).parameters} == set()
    others = {"model", "name", "api_key", "max_body_bytes", *serve.OF_THE_SERVER}
    renamed = {"dtype": "element_type"}
    assert {renamed.get(name, name) for name in own} == {field.name for field in fields(ServerSettings)} - others


@pytest.mark.parametrize(
    ("models", "words"),
    [
        (["demo"], "NAME=MODEL"),
        (["=demo"], "NAME=MODEL"),
        (["a="], "NAME=MODEL"),
        (["a=demo,colour=red"], "'colour' is no option"),
        (["a=demo,api-key=x"], "'api-key' is no option"),
        (["a=demo,kv_bits=4"], "'kv_bits' is no option"),
        (["a=demo,kv-bits=x"], "'x' is no value of kv-bits"),
        (["a=demo,kv-bits=1"], "kv_bits must be between 2 and 16"),
        (["a=demo,weights=int3"], "'int3' is no value of weights"),
        (["a=demo,echo-bos=yes"], "takes no value"),
        (["a=demo,text-only=no"], "takes no value"),
        (["a=demo", "a=demo"], "two models are called 'a'"),
    ],
)
def test_wrong_options_of_a_model(
    served: list[ServerSettings], capsys: pytest.CaptureFixture[str], models: list[str], words: str
) -> None:
    """Each says what is wrong, before anything is loaded."""
    assert exit_code(*(part for model in models for part in ("--model", model))) == 2
    assert words in " ".join(capsys.readouterr().err.split())
    assert not served
