"""Chat templates of a tokenizer, which are programs of others: each ends, or is ended."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from chat_templates import QUESTION, Templated
from token_difr.errors import InputError
from token_difr.sequences import rendered_text
from token_difr.sequences.template_limits import LONGEST_TEMPLATE, TemplateLimitError, bounded_rendering


class Rendering:
    """A tokenizer whose template is a function."""

    chat_template = "some"
    eos_token_id: int | None = None

    def __init__(self, template: Any) -> None:
        self._template = template

    def apply_chat_template(self, *_: Any, **__: Any) -> Any:
        """What the function gives."""
        return self._template()

    def encode(self, text: str, **_: Any) -> list[int]:
        """Not needed."""
        raise NotImplementedError(text)

    def decode(self, token_ids: list[int], **_: Any) -> str:
        """Not needed."""
        raise NotImplementedError(token_ids)


def raising(error: Exception) -> Any:
    """A template that fails."""

    def fail() -> str:
        raise error

    return fail


def for_ever() -> None:
    """A loop without an end."""
    while True:
        pass


@pytest.mark.parametrize(
    "error",
    [
        OverflowError("Range too big"),
        MemoryError("no room"),
        RecursionError("too deep"),
        ZeroDivisionError("nothing"),
        IndexError("nowhere"),
        TypeError("no"),
        ValueError("no"),
        AttributeError("no"),
        KeyError("no"),
    ],
)
def test_whatever_a_template_raises_is_a_refusal(error: Exception) -> None:
    """One clear error, and never one of ours."""
    with pytest.raises(InputError, match="the chat template refuses a conversation"):
        rendered_text([], Rendering(raising(error)), add_generation_prompt=True)


def test_what_runs_too_long_is_ended() -> None:
    """In the thread that runs it, which goes on as before."""
    usual = sys.gettrace()
    with pytest.raises(TemplateLimitError, match="it takes longer"), bounded_rendering(0.02):
        for_ever()
    assert sys.gettrace() is usual
    with bounded_rendering():
        assert sum(range(10)) == 45


GROWING = {
    "a variable": "{% set a = namespace(t='x' * 9) %}{% for i in range(99) %}{% set a.t = a.t ~ a.t %}{% endfor %}",
    "a product": "{% set a = namespace(t='x') %}{% for i in range(99) %}{% set a.t = a.t * 7 %}{% endfor %}",
    "a list": "{% set a = namespace(t=[1]) %}{% for i in range(99) %}{% set a.t = a.t + a.t %}{% endfor %}",
    "what is written": "{% for i in range(9999) %}{{ messages[0].content * 9999 }}{% endfor %}",
}


@pytest.mark.parametrize("source", GROWING.values(), ids=GROWING)
def test_what_grows_is_ended(source: str) -> None:
    """Long before the memory is full, with what to do."""
    with pytest.raises(
        InputError, match=r"more than 16777216 characters or elements; give a tokenizer with another one"
    ):
        rendered_text(QUESTION, Templated(source), add_generation_prompt=True)


def test_a_template_of_megabytes() -> None:
    """It is refused before it is compiled; a long one is not, nor a long conversation."""
    with pytest.raises(InputError, match="has 1048577 characters; at most 1048576"):
        rendered_text(QUESTION, Templated("x" * (LONGEST_TEMPLATE + 1)), add_generation_prompt=True)
    long = [{"role": "user", "content": "x" * 2_000_000}]
    text = "y" * 200_000
    template = text + "{{ messages[0].content }}"
    assert rendered_text(long, Templated(template), add_generation_prompt=True) == text + long[0]["content"]
