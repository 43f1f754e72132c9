"""Answers and prompts as token ids."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from token_difr.demo_model import MODEL_FOLDER
from token_difr.errors import InputError
from token_difr.records import Response
from token_difr.sequences import load_tokenizer, render, tokenize
from token_difr.sequences.end_of_turn import end_token


def codes(text: str) -> list[int]:
    return [ord(character) for character in text]


def test_prompt_and_answer(characters: Any, conversations: list[Any]) -> None:
    """The prompt is the chat template's, the answer its text, and the end token follows where the model stopped."""
    responses = [
        Response(index=1, content="ab", finish_reason="stop"),
        Response(index=0, content="ab", finish_reason="length"),
    ]
    first, second = tokenize(conversations, responses, characters)
    assert first.prompt_token_ids == [*codes("user:question 1"), 2, *codes("assistant:")]
    assert first.output_token_ids == [*codes("ab"), 2]
    assert second.output_token_ids == codes("ab")
    assert tokenize(conversations, responses, characters, score_end=False)[0].output_token_ids == codes("ab")


def test_special_text_in_an_answer_stays_text(characters: Any, conversations: list[Any]) -> None:
    """Text of an answer that spells a special token does not become one."""
    response = Response(index=0, content="a<end>", finish_reason="length")
    assert tokenize(conversations, [response], characters)[0].output_token_ids == codes("a<end>")


def test_cut(characters: Any, conversations: list[Any]) -> None:
    """Outputs are cut to ``max_tokens``; an empty answer is an empty output."""
    responses = [Response(index=0, content="abcdef", finish_reason="stop"), Response(index=1, content="")]
    cut = tokenize(conversations, responses, characters, max_tokens=3)
    assert [sequence.output_token_ids for sequence in cut] == [codes("abc"), []]


def test_reasoning_is_joined(characters: Any, conversations: list[Any]) -> None:
    """Reasoning stands in think tags before the content."""
    response = Response(index=0, content="c", reasoning="r")
    assert tokenize(conversations, [response], characters)[0].output_token_ids == codes("<think>r</think>c")


def test_unknown_index(characters: Any, conversations: list[Any]) -> None:
    """A response to a prompt that there is not is an error."""
    with pytest.raises(InputError, match="index 5"):
        tokenize(conversations, [Response(index=5, content="")], characters)


def test_the_turn_ends_with_what_the_template_writes_there() -> None:
    """Not with the tokenizer's ``eos_token``, where that names the end of a whole text."""
    tokenizer: Any = load_tokenizer("demo")
    tokenizer.eos_token = "<|endoftext|>"
    response = Response(index=0, content="A list", finish_reason="stop")
    (sequence,) = tokenize([[{"role": "user", "content": "?"}]], [response], tokenizer)

    assert sequence.output_token_ids[-1] == tokenizer.convert_tokens_to_ids("<|im_end|>")


def test_an_end_token_whose_name_holds_a_common_letter() -> None:
    """The text behind the answer is found whatever letters the special tokens have."""

    class Phi:
        chat_template = "yes"
        eos_token_id: int | None = 9

        def apply_chat_template(self, conversation: Any, *, add_generation_prompt: bool, **_: Any) -> str:
            turns = "".join(f"{m['content']}<|end|>" for m in conversation)
            return turns if add_generation_prompt else f"{turns}<|endoftext|>"

        def encode(self, text: str, **_: Any) -> list[int]:
            names = {"<|end|>": 7, "<|endoftext|>": 9}
            return [token for name, token in names.items() if name in text]

        def decode(self, token_ids: list[int], *, skip_special_tokens: bool = False) -> str:
            return "" if skip_special_tokens else str(token_ids)

    assert end_token(Phi()) == 7


def test_where_the_template_ends_no_turn_the_end_is_the_tokenizers() -> None:
    """A template that writes nothing special after an answer, or takes no answer, says nothing of its end."""
    tokenizer: Any = load_tokenizer("demo")
    for template in ("{{ messages[-1]['content'] }}", "{{ raise_exception('no') if messages[1:] else 'x' }}"):
        tokenizer.chat_template = template
        assert end_token(tokenizer) == tokenizer.eos_token_id


def test_half_a_character_in_an_answer_is_a_replacement_character() -> None:
    """JSON may hold a lone surrogate, text cannot; no answer of a provider may stop an audit."""
    tokenizer = load_tokenizer("demo")
    conversation = [{"role": "user", "content": "?"}]
    broken, plain = (Response(index=0, content=text) for text in ("a\ud800b", "a\ufffdb"))

    assert tokenize([conversation], [broken], tokenizer) == tokenize([conversation], [plain], tokenizer)


def test_a_template_that_breaks_is_an_input_error() -> None:
    """Whatever a template's own code raises."""
    tokenizer: Any = load_tokenizer("demo")
    tokenizer.chat_template = "{{ messages[0]['content'] + 1 }}"
    with pytest.raises(InputError, match="chat template refuses"):
        render([{"role": "user", "content": "?"}], tokenizer)


def test_no_chat_template(characters: Any, conversations: list[Any]) -> None:
    """Without a chat template nothing can be rendered, and the message says so."""
    characters.chat_template = None
    with pytest.raises(InputError, match="no chat template"):
        render(conversations[0], characters)


def test_demo_tokenizer() -> None:
    """The packaged tokenizer renders ChatML, splits what looks special within answers, and their end token comes once."""
    tokenizer = load_tokenizer("demo")
    conversation = [{"role": "user", "content": "What is a list?"}]
    response = Response(index=0, content="A <|im_end|> list<|im_end|>", finish_reason="stop")
    (sequence,) = tokenize([conversation], [response], tokenizer)
    expected = "<|im_start|>user\nWhat is a list?<|im_end|>\n<|im_start|>assistant\n"
    decode = getattr(tokenizer, "decode")  # noqa: B009  # not part of the protocol
    assert decode(sequence.prompt_token_ids) == expected
    assert sequence.output_token_ids[-1] == tokenizer.eos_token_id
    assert list(sequence.output_token_ids).count(tokenizer.eos_token_id or -1) == 1
    assert decode(sequence.output_token_ids) == "A <|im_end|> list<|im_end|>"


def test_load_by_folder_and_not_at_all(tmp_path: Path) -> None:
    """A folder is loaded; a path that is none, or no tokenizer, is one clear error without a look at the network."""
    assert load_tokenizer(MODEL_FOLDER).eos_token_id == load_tokenizer("demo").eos_token_id
    for name in ("/no/such/folder", "./none", "a/b/c"):
        with pytest.raises(InputError, match="there is no tokenizer folder"):
            load_tokenizer(name)
    with pytest.raises(InputError, match="cannot load a tokenizer"):
        load_tokenizer(tmp_path)
    assert logging.getLogger("transformers").filters == []


WITHOUT_TORCH = """
import sys
sys.modules["torch"] = None
import importlib.util
find_spec = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name == "torch" else find_spec(name, *rest)
from token_difr.sequences import load_tokenizer
print(load_tokenizer("demo").eos_token_id)
"""


def test_no_advice_without_torch() -> None:
    """Where torch is not installed a tokenizer loads without a word about it."""
    done = subprocess.run([sys.executable, "-c", WITHOUT_TORCH], capture_output=True, text=True, check=True)
    assert done.stdout == "2\n"
    assert done.stderr == ""
