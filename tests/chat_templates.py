"""Chat templates of our own making, modeled on those of real families, and a tokenizer of characters that renders them."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import jinja2

from token_difr.records import Conversation, Fidelity, Response
from token_difr.sequences import tokenize

HEAD = "{% for m in messages %}{% if m.role == 'user' %}<|user|>{{ m.content }}<|end|>{% endif %}"

CHATML = (  # knows no reasoning
    HEAD
    + "{% if m.role == 'assistant' %}<|assistant|>{{ m.content }}<|end|>{% endif %}{% endfor %}"
    + "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
THINKING = (  # writes the last turn's thought in tags; without thinking the generation prompt closes an empty one
    HEAD
    + "{% if m.role == 'assistant' %}<|assistant|>"
    + "{% if m.reasoning_content %}<think>\n{{ m.reasoning_content }}\n</think>\n\n{% endif %}{{ m.content }}<|end|>{% endif %}"
    + "{% endfor %}{% if add_generation_prompt %}<|assistant|>"
    + "{% if enable_thinking is false %}<think>\n\n</think>\n\n{% endif %}{% endif %}"
)
SWITCHED = (  # every answer stands behind the end of a thought, which the generation prompt opens or closes
    HEAD
    + "{% if m.role == 'assistant' %}<|assistant|></think>{{ m.content }}<|end|>{% endif %}{% endfor %}"
    + "{% if add_generation_prompt %}<|assistant|>{% if thinking %}<think>{% else %}</think>{% endif %}{% endif %}"
)
CHANNELS = (  # channels of special tokens
    HEAD
    + "{% if m.role == 'assistant' %}<|start|>assistant"
    + "{% if m.thinking %}<|channel|>analysis<|message|>{{ m.thinking }}<|end|><|start|>assistant{% endif %}"
    + "<|channel|>final<|message|>{{ m.content }}<|return|>{% endif %}{% endfor %}"
    + "{% if add_generation_prompt %}<|start|>assistant{% endif %}"
)
NEXT_TURN_ENDS = (  # an answer ends where the next turn begins
    "<|start|>{% for m in messages %}{% if m.role == 'user' %}<|user|>\n{{ m.content }}"
    "{% else %}<|assistant|>\n{{ m.content }}{% endif %}{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
SPECIAL = (
    "<|eos|>", "<|end|>", "<|user|>", "<|assistant|>", "<|start|>", "<|channel|>", "<|message|>", "<|return|>",
)  # fmt: skip
"""Special tokens; their ids are 1, 2, 3, ..."""

QUESTION: Conversation = [{"role": "user", "content": "q"}]


class Templated:
    """A tokenizer of characters; what is not ASCII is one token a byte, from 1000 on.

    Args:
        template: The chat template, which is rendered as it stands.
        special: The special tokens, whose ids are 1, 2, 3, ...
    """

    eos_token_id: int | None = 1
    name_or_path = "templated"

    def __init__(self, template: str = CHATML, *, special: Sequence[str] = SPECIAL) -> None:
        self.chat_template = template
        self._special = special

    def apply_chat_template(
        self, conversation: Any, *, tokenize: bool, add_generation_prompt: bool, **variables: Any
    ) -> str:
        """The template's text."""
        assert not tokenize
        template = _compiled(self.chat_template)
        return template.render(messages=conversation, add_generation_prompt=add_generation_prompt, **variables)

    def encode(self, text: str, *, add_special_tokens: bool, split_special_tokens: bool) -> list[int]:
        """Characters, bytes and special tokens."""
        assert not add_special_tokens
        if not split_special_tokens:
            for number, special in enumerate(self._special, 1):
                text = text.replace(special, chr(number))
        ids: list[int] = []
        for character in text:
            ids += [ord(character)] if character.isascii() else [1000 + byte for byte in character.encode()]
        return ids

    def decode(self, token_ids: list[int], *, skip_special_tokens: bool = False) -> str:
        """The text; bytes that are no character become U+FFFD."""
        encoded = b""
        for token in token_ids:
            if token <= len(self._special):
                encoded += b"" if skip_special_tokens else self._special[token - 1].encode()
            else:
                encoded += bytes([token - 1000]) if token >= 1000 else chr(token).encode()
        return encoded.decode(errors="replace")


@functools.cache
def _compiled(template: str) -> jinja2.Template:
    """Once for all tests: to compile takes a hundred times as long as to render, and a tokenizer is made for each answer."""
    environment = jinja2.Environment(autoescape=False)  # noqa: S701  # chat templates are no HTML
    return environment.from_string(template)


def outcome(
    template: str,
    *,
    wrote: str,
    variables: Mapping[str, Any] | None = None,
    count: bool = True,
    finish: str = "stop",
    **fields: Any,
) -> tuple[str, Fidelity | None]:
    """The output's tokens, spelled, and their fidelity.

    Args:
        template: The chat template.
        wrote: What the model wrote, special tokens by name: tells the provider's count.
        variables: The template's variables.
        count: Whether the provider counts tokens.
        finish: The finish reason.
        fields: The rest of the response.
    """
    tokenizer = Templated(template)
    ids = tokenizer.encode(wrote, add_special_tokens=False, split_special_tokens=False)
    answer = Response(index=0, finish_reason=finish, completion_tokens=len(ids) if count else None, **fields)
    (sequence,) = tokenize([QUESTION], [answer], tokenizer, chat_template_kwargs=variables)
    return tokenizer.decode(list(sequence.output_token_ids)), sequence.fidelity
