"""A tie as text: read by an endpoint's tokenizer it is the very tokens of the tie."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tie_providers import tie
from token_difr.ties.text_prompt import text_prompt


class Characters:
    """A character a token, "^" is the one that begins a text; ``leads`` says whether a text gets it unasked."""

    bos_token = "^"

    def __init__(self, template: str, *, leads: bool) -> None:
        self.chat_template = template
        self.leads = leads

    def apply_chat_template(self, messages: list[dict[str, str]], **_: Any) -> str:
        """The template with the question in it."""
        return self.chat_template.replace("Q", messages[-1]["content"])

    def encode(self, text: str, *, add_special_tokens: bool, split_special_tokens: bool) -> list[int]:
        """Code points."""
        del split_special_tokens
        return [*([ord("^")] if self.leads and add_special_tokens else []), *map(ord, text)]


@pytest.mark.parametrize(
    ("template", "leads", "sent"),
    [("^Q:", True, "7:"), ("^Q:", False, "^7:"), ("Q:", False, "7:"), ("Q:", True, "7:")],
)
def test_no_text_begins_twice(template: str, leads: bool, sent: str) -> None:
    """Without the mark that the endpoint puts there itself; where no text is the tie's tokens it goes as it is."""
    tokenizer: Any = Characters(template, leads=leads)
    ids = tokenizer.encode(template.replace("Q", "7"), add_special_tokens=False, split_special_tokens=False)
    asked = replace(tie(7), prompt_token_ids=tuple(ids))

    assert text_prompt(asked, tokenizer) == sent
