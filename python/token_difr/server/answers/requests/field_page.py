"""The page of all fields: ``python -m token_difr.server.answers.requests.field_page > docs/server_fields.md``."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

from token_difr.server.answers.requests.fields import FieldRule, field_rules

__all__ = ["PARTS", "field_page"]

PARTS = {
    "completions": "`/v1/completions`",
    "chat": "`/v1/chat/completions`",
    "message": "A message",
    "part": "A part of a message's content",
    "tool_call": "A tool call in a message",
    "called_function": "The function of a tool call",
    "tool_function": "The function of a tool",
    "stream_options": "`stream_options`",
    "generate": "`/generate`",
    "sampling_params": "`sampling_params` of `/generate`",
    "tokenize": "`/tokenize`",
    "detokenize": "`/detokenize`",
}
"""The objects of the table, each with its heading."""

_HEAD = """# The fields of requests

What becomes of every field that OpenAI's, vLLM's and SGLang's requests have, and of some of OpenRouter's. `null` is neutral
everywhere: it means that the field is not given. A **hint** is accepted without effect on the answer, and the header
`x-ignored-fields` of the answer names it. A **refused** field is a 400 with the reason that stands here, unless its value is
one of the neutral ones, which ask for what happens anyway. A field that does not stand here is refused by its name.

This page is made of the server's own table, which its validation, its errors and `/openapi.json` are made of too.
"""


def field_page() -> str:
    """The page, in Markdown."""
    sections = ("\n".join(_section(part, heading)) for part, heading in PARTS.items())
    return "\n".join([_HEAD, *sections])


def _section(part: str, heading: str) -> Iterator[str]:
    yield f"## {heading}\n"
    yield "| field | effect | |"
    yield "|---|---|---|"
    for name, rule in sorted(
        field_rules(part).items(), key=lambda item: ("acts", "hint", "refused").index(item[1].effect)
    ):
        yield f"| `{name}` | {rule.effect} | {_words(rule)} |"
    yield ""


def _words(rule: FieldRule) -> str:
    neutral = [f"`{json.dumps(value)}`" for value in rule.neutral]
    if rule.neutral_as is not None:
        neutral.append(f"the value of `{rule.neutral_as}`")
    return f"{rule.words}; neutral: {', '.join(neutral)}" if neutral else rule.words


if __name__ == "__main__":
    sys.stdout.write(field_page())
