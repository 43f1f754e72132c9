"""The chat template against transformers', and what it may do."""

from __future__ import annotations

import pytest

from token_difr.errors import PromptError
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
