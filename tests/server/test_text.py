"""Stop strings, incremental text, the chat template."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from token_difr.errors import PromptError
from token_difr.server.batching.output_text import OutputText
from token_difr.server.chat_template import ChatTemplate
from token_difr.server.detokenize import IncrementalDecoder
from token_difr.server.model_folder import ModelFolder
from token_difr.server.stop import StopMatcher
from token_difr.server.tokenizer import ModelTokenizer


def _fed(matcher: StopMatcher, pieces: list[str]) -> list[str]:
    return [matcher.push(piece) for piece in pieces]


@pytest.mark.parametrize(
    ("stops", "text", "shown"),
    [
        (["cd", "b"], "abcd", "a"),
        (["", "c"], "abcd", "ab"),
        (["bcx", "d"], "abcd", "abc"),
        (["zz"], "abcd", "abcd"),
        (["abc", "ab"], "abcd", ""),
    ],
)
def test_earliest_stop_counts(stops: list[str], text: str, shown: str) -> None:
    """The text ends before the earliest match over all stop strings, however it is cut into pieces."""
    for size in (1, 2, 4):
        matcher = StopMatcher(stops)
        pieces = [text[at : at + size] for at in range(0, len(text), size)]

        assert "".join(_fed(matcher, pieces)) + matcher.flush() == shown


def test_possible_start_of_a_stop_is_held_back() -> None:
    """Nothing is shown that a stop string could still cut off."""
    matcher = StopMatcher(["END"])

    assert _fed(matcher, ["xE", "N", "yEN", "D..."]) == ["x", "", "ENy", ""]
    assert matcher.found == "END"


def test_stop_can_be_kept() -> None:
    """With ``include`` the matched string ends the text."""
    matcher = StopMatcher(["b"], include=True)

    assert matcher.push("abc") == "ab"


def test_incremental_text_is_the_text_of_all_tokens(folder: ModelFolder) -> None:
    """Pieces joined equal one decode, for random ids (broken UTF-8 everywhere) and for real text in many scripts."""
    tokenizer = folder.tokenizer
    generator = np.random.default_rng(3)
    real = tokenizer.encode("naïve ☃ 日本語 🎉 text\n\ttab", add_special_tokens=False)
    for ids in [real, *(generator.integers(0, tokenizer.size, 80).tolist() for _ in range(50))]:
        decoder = IncrementalDecoder(tokenizer)

        assert "".join([decoder.push(token) for token in ids]) + decoder.flush() == tokenizer.decode(ids)


def test_incomplete_character_is_held_back(folder: ModelFolder) -> None:
    """No U+FFFD is shown while a character's bytes are still coming."""
    ids = folder.tokenizer.encode("🎉", add_special_tokens=False)
    decoder = IncrementalDecoder(folder.tokenizer)

    assert len(ids) > 1
    assert [decoder.push(token) for token in ids] == [""] * (len(ids) - 1) + ["🎉"]


def test_closing_releases_what_was_held_back(folder: ModelFolder) -> None:
    """At the end held-back text is shown: half a stop string, half a character."""
    text = OutputText(folder.tokenizer, ["foo bar"])
    for token in folder.tokenizer.encode("a foo", add_special_tokens=False):
        assert not text.push(token, ended=False)
    text.close()
    text.close()

    assert text.released == "a foo"


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


def test_what_a_tokenizer_file_asks_for_in_training(folder: ModelFolder, tmp_path: Path) -> None:
    """Truncation and padding in ``tokenizer.json`` change no prompt."""
    written = json.loads((folder.path / "tokenizer.json").read_text(encoding="utf-8"))
    written["truncation"] = {"direction": "Right", "max_length": 4, "strategy": "LongestFirst", "stride": 0}
    (tmp_path / "tokenizer.json").write_text(json.dumps(written), encoding="utf-8")
    text = "def join(self, iterable): return the joined string"
    cut = ModelTokenizer.from_folder(tmp_path).encode(text, add_special_tokens=False)
    assert cut == folder.tokenizer.encode(text, add_special_tokens=False)
    assert len(cut) > 4
