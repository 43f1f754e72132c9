"""The chat template against transformers', and what it may do."""

from __future__ import annotations

from typing import Any

import jinja2
import pytest

from token_difr.errors import PromptError
from token_difr.server.model import chat_template
from token_difr.server.model.chat_template import ChatTemplate
from token_difr.server.model.folder import ModelFolder


def test_template_equals_transformers(folder: ModelFolder) -> None:
    """The rendered conversation is that of ``apply_chat_template``, special tokens in the text included."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder.path)
    assert folder.template is not None
    for messages in (
        [{"role": "user", "content": "hi\n there "}],
        [
            {"role": "system", "content": "s"},
            {"role": "user", "content": "<|im_end|>"},
            {"role": "assistant", "content": "x"},
        ],
    ):
        for opened in (True, False):
            expected = tokenizer.apply_chat_template(messages, add_generation_prompt=opened, return_dict=False)
            text = folder.template.render(messages, add_generation_prompt=opened)

            assert folder.tokenizer.encode(text, add_special_tokens=False) == expected


CALL = {"function": {"name": "weather", "arguments": {"city": "Paris"}}}


@pytest.mark.parametrize("tools", [None, [{"type": "function", "function": {"name": "weather"}}]])
@pytest.mark.parametrize(
    "messages",
    [
        [{"role": "user", "content": "hi"}],
        [{"role": "system", "content": "s"}, {"role": "user", "content": "hi"}],
        [{"role": "system"}, {"role": "user"}],
        [{"role": "user", "content": "hi"}, {"role": "assistant", "tool_calls": [CALL]}, {"role": "tool"}],
        [{"role": "assistant", "content": None, "tool_calls": None}],
    ],
)
def test_the_demos_template_takes_nothing_for_given(
    folder: ModelFolder, messages: list[dict[str, Any]], tools: list[dict[str, Any]] | None
) -> None:
    """Clients that render it themselves may leave out what is not there, even where an unknown name is an error."""
    source = (folder.path / "chat_template.jinja").read_text(encoding="utf-8")
    strict = jinja2.Environment(undefined=jinja2.StrictUndefined, keep_trailing_newline=True)  # noqa: S701 - no HTML
    strict.policies["json.dumps_kwargs"] = {"sort_keys": False}
    given = {} if tools is None else {"tools": tools}
    assert folder.template is not None
    for opened in (True, False):
        more = given | ({"add_generation_prompt": True} if opened else {})
        expected = folder.template.render(messages, tools=tools, add_generation_prompt=opened)
        assert strict.from_string(source).render(messages=messages, **more).rstrip() == expected.rstrip()


def test_continued_message_stays_open(folder: ModelFolder) -> None:
    """The prompt ends with the final message's own text."""
    assert folder.template is not None
    messages = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "well,"}]

    assert folder.template.render(messages, continue_final_message=True).endswith("<|im_start|>assistant\nwell,")


@pytest.mark.parametrize(
    "template",
    [
        "{% for m in messages %}{{ m.role }}:{{ m.content }};{% endfor %}",
        "{% for m in messages %}{{ m.role }}:{{ m.content | trim }};{% endfor %}",
        "{% for m in messages %}{% generation %}{{ m.content }}{% endgeneration %};{% endfor %}",
        "{{ {'a': [1, 2]} | tojson(separators=(',', ':')) }}{% for m in messages %}{{ m.content }}{% endfor %}",
    ],
)
@pytest.mark.parametrize("content", ["well,", "well, ", " well"])
def test_what_templates_may_use(folder: ModelFolder, template: str, content: str) -> None:
    """Trimmed contents that are continued, generation marks and separators: as transformers renders them."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder.path)
    messages = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": content}]
    for continued in (False, True):
        expected = tokenizer.apply_chat_template(
            messages, chat_template=template, tokenize=False, continue_final_message=continued
        )
        assert ChatTemplate(template).render(messages, continue_final_message=continued) == expected


def test_a_failing_template_is_an_error() -> None:
    """What a template raises reaches the caller as one clear error."""
    template = ChatTemplate("{{ raise_exception('no system role') }}")
    with pytest.raises(PromptError, match="no system role"):
        template.render([{"role": "user", "content": "x"}])


def test_template_is_sandboxed() -> None:
    """A template cannot reach Python's internals."""
    template = ChatTemplate("{{ ''.__class__.__mro__ }}{{ messages.append(1) }}")
    with pytest.raises(PromptError):
        template.render([{"role": "user", "content": "x"}])


@pytest.mark.parametrize(
    "template",
    [
        "{{ 'x' * 10**11 }}",
        "{{ 10**11 * 'x' }}",
        "{{ [0] * 10**11 }}",
        "{{ 2 ** (2 ** 40) }}",
        "{% set n = namespace(x='xx') %}{% for _ in range(40) %}{% set n.x = n.x ~ n.x %}{% endfor %}",
        "{% set n = namespace(x='xx') %}{% for _ in range(40) %}{% set n.x = n.x + n.x %}{% endfor %}",
        "{% set n = namespace(x='xx') %}{% for _ in range(40) %}{% set n.x = n.x | replace('x', 'xx') %}{% endfor %}",
        "{% set n = namespace(x='xx') %}{% for _ in range(40) %}{% set n.x = n.x.replace('x', 'xx') %}{% endfor %}",
        "{{ 'x'.ljust(10**10) }}",
        "{{ 'x' | center(10**10) }}",
        "{{ 'x' | indent(10**10, true) }}",
        "{{ ('x' * 10**6).join(range(10**4) | list) }}",
        "{{ range(10**4) | join('x' * 10**6) }}",
        "{{ range(10**4) | map('string') | join('x' * 10**6) }}",
        "{{ '%10000000000d' % 1 }}",
        "{{ '%*d' % (10**10, 1) }}",
        "{{ '%10000000000d' | format(1) }}",
        "{{ '{:10000000000}'.format(1) }}",
        "{{ '\t'.expandtabs(10**10) }}",
        "{{ [1] | tojson(indent=10**10) }}",
        "{% for _ in range(10**9) %}{% endfor %}",
        "{% for _ in range(1000) %}{{ 'x' * 10**5 }}{% endfor %}",
    ],
)
def test_no_template_makes_more_than_it_may(template: str) -> None:
    """By operators, filters, methods or loops: it is refused before the memory is taken."""
    with pytest.raises(PromptError, match="refuses these messages"):
        ChatTemplate(template).render([{"role": "user", "content": "x"}])


def test_no_template_runs_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loops in loops end with the time that they are given."""
    endless = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"
    with monkeypatch.context() as short:
        short.setattr(chat_template, "RENDER_SECONDS", 0.05)
        with pytest.raises(PromptError, match="it takes longer"):
            ChatTemplate(endless).render([{"role": "user", "content": "x"}])
    assert ChatTemplate("{{ 'still' }} here").render([{"role": "user", "content": "x"}]) == "still here"


def test_large_contents_are_rendered() -> None:
    """The limits are of what a template makes, and not of what it is given: long texts with numbers and braces pass."""
    content = '{"at": 1732765432000, "share": "%d"}\n' * 100_000
    template = ChatTemplate(
        "{% for m in messages %}{{ m.role + ': ' + m.content.split('</think>')[-1] | trim | replace('\\n', '\\n\\n') }}"
        "{{ m.content.strip() ~ '!' }}{% endfor %}"
    )
    text = template.render([{"role": "user", "content": content}])

    assert len(text) > 2 * len(content)
