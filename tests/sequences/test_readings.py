"""Answers as servers distort them, kind by kind: the tokens are those that the model wrote."""

from __future__ import annotations

from typing import Any

import pytest

from chat_templates import CHANNELS, CHATML, NEXT_TURN_ENDS, QUESTION, SWITCHED, THINKING, Templated, outcome
from token_difr.records import Fidelity, Response
from token_difr.sequences import end_token, load_tokenizer, tokenize, trailing_special_token

COUNTED, UNCOUNTED = Fidelity.COUNTED, Fidelity.UNCOUNTED


@pytest.mark.parametrize("spelled", ["<|end|>", "<|eos|>", "<|end|>\n", "<|end|><|eos|>", "<|end|> <|end|>"])
@pytest.mark.parametrize("finish", ["stop", None])
def test_end_token_as_text(spelled: str, finish: Any) -> None:
    """The name of a special token at the very end is that token, once, whatever white space stands behind it."""
    first = spelled[: spelled.index(">") + 1]
    for count, fidelity in ((True, COUNTED), (False, UNCOUNTED)):
        found = outcome(CHATML, wrote=f"yes{first}", content=f"yes{spelled}", finish=finish, count=count)
        assert found == (f"yes{first}", fidelity)


def test_many_names_at_the_end() -> None:
    """Only the text's end is looked at, name by name: what a hostile server sends costs no square of its length."""
    lengths = []

    class Watched(Templated):
        def encode(self, text: str, *, add_special_tokens: bool, split_special_tokens: bool) -> list[int]:
            lengths.append(len(text))
            return super().encode(
                text, add_special_tokens=add_special_tokens, split_special_tokens=split_special_tokens
            )

    assert trailing_special_token("x" * 5_000 + "<|end|>" * 50, Watched()) == ("x" * 5_000, 2)
    assert max(lengths) <= 200


@pytest.mark.parametrize("content", ["ab\ud83d", "\ud83d<|end|>", "\ud83d", "a\udc00b"])
def test_halves_of_a_surrogate_pair(content: str) -> None:
    """JSON may hold them, and no tokenizer takes them."""
    tokenizer = load_tokenizer("demo")
    text = content.replace("<|end|>", "<|im_end|>")
    for finish in ("stop", "length", None):
        (sequence,) = tokenize([QUESTION], [Response(index=0, content=text, finish_reason=finish)], tokenizer)
        assert "\ud83d" not in tokenizer.decode(list(sequence.output_token_ids))
    assert (trailing_special_token(text, tokenizer) is None) == ("<|end|>" not in content)


def test_a_name_that_the_model_wrote() -> None:
    """Within an answer, or where a limit cut it, a special token's name is text; at its end the count may say so."""
    plain = "a <|end|> b"
    assert outcome(CHATML, wrote="", content=plain, count=False) == (f"{plain}<|end|>", UNCOUNTED)
    assert outcome(CHATML, wrote="", content="a <|end|>", count=False, finish="length")[0] == "a <|end|>"
    tokens = "a " + "x" * len("<|end|>") + "<|end|>"  # as many as the name has characters
    assert outcome(CHATML, wrote=tokens, content="a <|end|>") == ("a <|end|><|end|>", COUNTED)


@pytest.mark.parametrize("broken", ["\ufffd", "\ufffd\ufffd", "<0xE4>", "<0xF0><0x9F>", chr(0xD83D)])
@pytest.mark.parametrize("lost", ["x", "xy", "xyz"])
def test_broken_last_character(broken: str, lost: str) -> None:
    """However a server shows a part of a character: nothing is scored that nobody knows."""
    found = outcome(CHATML, wrote=f"a é {lost}", content=f"a é {broken}", finish="length")
    assert found == ("a é", COUNTED)


@pytest.mark.parametrize("wrote", ["é x", "aé x", "→ xy"])
def test_a_broken_character_that_is_left_out(wrote: str) -> None:
    """A text of characters of several tokens may have lost the last one's first tokens, if so many were counted."""
    shown = wrote.rstrip("xy")
    assert outcome(CHATML, wrote=wrote, content=shown, finish="length") == (shown.rstrip(), COUNTED)


def test_a_broken_character_needs_a_reason() -> None:
    """A text of whole tokens that is shorter than counted is no broken character; one that ended is not broken."""
    assert outcome(CHATML, wrote="abcdx", content="abcd", finish="length")[1] is not COUNTED
    assert outcome(CHATML, wrote="", content="ab\ufffd", count=False) == ("ab\ufffd<|end|>", UNCOUNTED)
    assert outcome(CHATML, wrote="", content="ab\ufffd", count=False, finish="length") == ("ab", UNCOUNTED)


WHOLE = "<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>yes"


@pytest.mark.parametrize(
    ("content", "wrote"),
    [
        (WHOLE, f"{WHOLE}<|return|>"),
        (f"{WHOLE}<|return|>", f"{WHOLE}<|return|>"),
        ("<|channel|>final<|message|>yes", "<|channel|>final<|message|>yes<|return|>"),
        ("analysishmassistantfinalyes", f"{WHOLE}<|return|>"),  # special tokens skipped, words kept
        ("yes", "<|channel|>final<|message|>yes<|return|>"),
    ],
)
def test_markup_in_the_content(content: str, wrote: str) -> None:
    """Channels that came as text are the template's own tokens, with or without a count."""
    assert outcome(CHANNELS, wrote=wrote, content=content) == (wrote, COUNTED)
    assert outcome(CHANNELS, wrote=wrote, content=content, count=False) == (wrote, UNCOUNTED)


def test_markup_of_a_thought_that_was_cut() -> None:
    """There is no answer behind it yet."""
    cut = "<|channel|>analysis<|message|>hm"
    assert outcome(CHANNELS, wrote=cut, content=cut, finish="length") == (cut, COUNTED)


def test_markup_of_another_form() -> None:
    """What the template does not write so is text, unless the count says that it is not."""
    odd = "<|channel|>commentary<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>yes"
    assert outcome(CHANNELS, wrote=f"{odd}<|return|>", content=odd) == (f"{odd}<|return|>", COUNTED)
    text, fidelity = outcome(CHANNELS, wrote="", content=odd, count=False)
    assert (text.startswith("<|channel|>final<|message|><|channel|>"), fidelity) == (True, UNCOUNTED)


@pytest.mark.parametrize(
    ("template", "variables"), [(CHATML, {}), (THINKING, {"enable_thinking": False}), (THINKING, {}), (CHANNELS, {})]
)
def test_an_answer_in_the_reasoning_field(template: str, variables: dict[str, Any]) -> None:
    """The text once, without tags, where the count says so; without a count where the model cannot have thought."""
    end = "<|return|>" if template is CHANNELS else "<|end|>"
    found = outcome(template, wrote=f"It is so.{end}", content="", reasoning="It is so.", variables=variables)
    assert found == (f"It is so.{end}", COUNTED)
    uncounted = outcome(template, wrote="", content="", reasoning="It is.", variables=variables, count=False)[0]
    assert (uncounted == f"It is.{end}") == (template is CHATML or "enable_thinking" in variables)


def test_a_thought_that_was_cut_is_not_closed() -> None:
    """Nothing is scored that the model had no room to write, and the count confirms it."""
    wrote = "<think>\nhm"
    assert outcome(THINKING, wrote=wrote, content="", reasoning="hm", finish="length") == (wrote, COUNTED)


@pytest.mark.parametrize(
    ("template", "wrote"),
    [
        (CHATML, "<think>hm</think>yes<|end|>"),
        (CHATML, "<think>\nhm\n</think>\n\nyes<|end|>"),
        (CHATML, "hmyes<|end|>"),
        (THINKING, "<think>\nhm\n</think>\n\nyes<|end|>"),
        (THINKING, "hmyes<|end|>"),
    ],
)
def test_tags_around_reasoning(template: str, wrote: str) -> None:
    """The count tells whether there were tags, and on lines of their own or not."""
    assert outcome(template, wrote=wrote, content="yes", reasoning="hm") == (wrote, COUNTED)


@pytest.mark.parametrize(
    ("template", "variables", "content", "wrote"),
    [
        (SWITCHED, {"thinking": True}, "hm</think>yes", "hm</think>yes<|end|>"),
        (SWITCHED, {"thinking": True}, "yes", "</think>yes<|end|>"),  # a thought that was closed at once
        (SWITCHED, {"thinking": False}, "yes", "yes<|end|>"),
        (THINKING, {}, "yes", "yes<|end|>"),
        (THINKING, {}, "yes", "<think>\n\n</think>\n\nyes<|end|>"),
    ],
)
def test_tags_that_nobody_wrote(template: str, variables: dict[str, Any], content: str, wrote: str) -> None:
    """An opened thought is not closed ahead of its own text; an empty one is there only if it was counted."""
    assert outcome(template, wrote=wrote, content=content, variables=variables) == (wrote, COUNTED)


OPENED = (  # the generation prompt opens the thought on a line of its own
    CHATML.replace(
        "{% if add_generation_prompt %}<|assistant|>", "{% if add_generation_prompt %}<|assistant|><think>\n"
    )
)
KEPT_AND_OPENED = THINKING.replace("<|assistant|>{% if enable", "<|assistant|><think>\n{% if enable")


@pytest.mark.parametrize("count", [True, False])
@pytest.mark.parametrize(
    ("template", "variables", "content", "wrote"),
    [
        (OPENED, {}, "<think>\nhm\n</think>\n\nyes", "hm\n</think>\n\nyes<|end|>"),
        (OPENED, {}, "<think>hm</think>yes", "hm</think>yes<|end|>"),
        (OPENED, {}, "hm\n</think>\n\nyes", "hm\n</think>\n\nyes<|end|>"),
        (KEPT_AND_OPENED, {}, "<think>\nhm\n</think>\n\nyes", "hm\n</think>\n\nyes<|end|>"),
        (SWITCHED, {"thinking": True}, "<think>hm</think>yes", "hm</think>yes<|end|>"),
        (SWITCHED, {"thinking": False}, "<think>hm</think>yes", "<think>hm</think>yes<|end|>"),
        (THINKING, {}, "<think>\nhm\n</think>\n\nyes", "<think>\nhm\n</think>\n\nyes<|end|>"),
    ],
)
def test_an_opening_that_the_prompt_has_written(
    template: str, variables: dict[str, Any], content: str, wrote: str, *, count: bool
) -> None:
    """Some servers show it ahead of the thought: it is no token of the output. One that the model wrote is."""
    found = outcome(template, wrote=wrote, content=content, variables=variables, count=count)
    assert found == (wrote, COUNTED if count else UNCOUNTED)


@pytest.mark.parametrize("count", [True, False])
def test_an_answer_of_channels_in_the_reasoning_field(*, count: bool) -> None:
    """An output that came to its end did so in the channel of answers."""
    wrote = "<|channel|>final<|message|>It is so.<|return|>"
    found = outcome(CHANNELS, wrote=wrote, content="", reasoning="It is so.", count=count)
    assert found == (wrote, COUNTED if count else UNCOUNTED)


def test_an_opened_thought_without_a_count() -> None:
    """The text is taken as it is."""
    found = outcome(SWITCHED, wrote="", content="hm</think>yes", variables={"thinking": True}, count=False)
    assert found[0] == "hm</think>yes<|end|>"


@pytest.mark.parametrize(
    ("template", "end"),
    [
        (NEXT_TURN_ENDS, "<|user|>"),
        (CHATML, "<|end|>"),
        (CHATML.replace("{{ m.content }}<|end|>", "{{ m.content }} <|return|>"), "<|return|>"),
        (CHATML.replace("{{ m.content }}<|end|>", "{{ m.content }}\n"), "<|eos|>"),
    ],
    ids=["next-turn", "end", "behind-a-space", "nothing"],
)
def test_end_of_a_turn(template: str, end: str) -> None:
    """What follows the answer, in this turn or as the beginning of the next one."""
    tokenizer = Templated(template)
    assert tokenizer.decode([end_token(tokenizer) or 0]) == end


@pytest.mark.parametrize("field", ["stop_reason", "matched_stop"])
@pytest.mark.parametrize(("named", "end"), [(1, "<|eos|>"), (8, "<|return|>"), ("x", "<|end|>"), (None, "<|end|>")])
def test_the_server_names_the_end(field: str, named: Any, end: str) -> None:
    """A token that the server names ended the answer; a stop string names none."""
    body = {"choices": [{field: named}]}
    assert outcome(CHATML, wrote=f"yes{end}", content="yes", body=body) == (f"yes{end}", COUNTED)
