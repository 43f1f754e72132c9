"""In the words of any server: whether an output came to its end, was cut by a limit, or does not tell."""

from __future__ import annotations

from typing import Any

import pytest

from chat_templates import CHANNELS, CHATML, THINKING, outcome
from token_difr.records import Fidelity, Response

COUNTED, UNCOUNTED, CONTRADICTED = Fidelity.COUNTED, Fidelity.UNCOUNTED, Fidelity.CONTRADICTED
ENDED = ("stop", "eos_token", "EOS", "end_turn", "COMPLETE", "STOP")
CUT = ("length", "max_tokens", "MAX_TOKENS", "model_length")
UNTOLD = (None, "", "unknown", "content_filter", "stop_sequence", "tool_calls")


@pytest.mark.parametrize(
    ("word", "ended"), [*((w, True) for w in ENDED), *((w, False) for w in CUT), *((w, None) for w in UNTOLD)]
)
def test_words(word: str | None, ended: bool | None) -> None:
    """OpenAI's, and those of servers that have their own."""
    assert Response(index=0, content="", finish_reason=word).ended is ended


@pytest.mark.parametrize("word", ENDED)
def test_ended(word: str) -> None:
    """The token that ended the output is there, counted or not."""
    for count, fidelity in ((True, COUNTED), (False, UNCOUNTED)):
        assert outcome(CHATML, wrote="yes<|end|>", content="yes", finish=word, count=count) == ("yes<|end|>", fidelity)


@pytest.mark.parametrize("word", CUT)
def test_cut(word: str) -> None:
    """No token is put behind it, a broken character is left off, and a thought stays open."""
    assert outcome(CHATML, wrote="yes", content="yes", finish=word) == ("yes", COUNTED)
    assert outcome(CHATML, wrote="yesxx", content="yes\ufffd", finish=word) == ("yes", COUNTED)
    assert outcome(THINKING, wrote="<think>\nhm", content="", reasoning="hm", finish=word) == ("<think>\nhm", COUNTED)


@pytest.mark.parametrize("word", UNTOLD)
@pytest.mark.parametrize(
    ("template", "wrote", "fields"),
    [
        (CHATML, "yes", {"content": "yes"}),
        (CHATML, "yes<|end|>", {"content": "yes"}),
        (CHATML, "yes<|end|>", {"content": "yes<|end|>"}),
        (CHATML, "é", {"content": "é"}),
        (CHATML, "é<|end|>", {"content": "é"}),
        (CHANNELS, "<|channel|>final<|message|>yes<|return|>", {"content": "yes"}),
        (CHANNELS, "<|channel|>final<|message|>yes", {"content": "yes"}),
    ],
)
def test_the_count_tells(word: str, template: str, wrote: str, fields: dict[str, Any]) -> None:
    """Where the reason says nothing, the number of tokens says whether one of them ended it."""
    assert outcome(template, wrote=wrote, finish=word, **fields) == (wrote, COUNTED)


@pytest.mark.parametrize("word", UNTOLD)
def test_nothing_tells(word: str) -> None:
    """Nothing is put behind a text of which nobody knows that it ended; its own end is taken."""
    assert outcome(CHATML, wrote="", content="yes", finish=word, count=False) == ("yes", UNCOUNTED)
    assert outcome(CHATML, wrote="", content="yes<|end|>", finish=word, count=False) == ("yes<|end|>", UNCOUNTED)
