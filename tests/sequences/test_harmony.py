"""GPT-OSS's format by its makers' own library: what our reading of an answer comes to. Needs the extra ``real-text``."""

from __future__ import annotations

import gzip
from typing import Any

import pytest

from real_tokenizers import package_folder, real_tokenizer
from token_difr.records import Fidelity, Response
from token_difr.sequences import tokenize

QUESTION = "Is it so?"
PROMPT = [{"role": "user", "content": QUESTION}]
THOUGHT, ANSWER = "Hm — it may be.\n\nOr not?", "It is: 日本語 🙂"


@pytest.fixture(scope="module")
def encoding(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The library's encoding; its vocabulary, which it would download, is the one that another package brings."""
    package_folder("openai_harmony")
    folder = tmp_path_factory.mktemp("encodings")
    vocabulary = package_folder("bpe_openai") / "data" / "o200k_base.tiktoken.gz"
    (folder / "o200k_base.tiktoken").write_bytes(gzip.decompress(vocabulary.read_bytes()))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TIKTOKEN_ENCODINGS_BASE", str(folder))
        from openai_harmony import HarmonyEncodingName, load_harmony_encoding

        return load_harmony_encoding(HarmonyEncodingName.HARMONY_GPT_OSS)


def written(encoding: Any, *, thought: str, answer: str) -> list[int]:
    """What the model writes behind the question, by the library."""
    from openai_harmony import Conversation, Message, RenderConversationConfig, Role

    question = Message.from_role_and_content(Role.USER, QUESTION)
    parts = [("analysis", thought), ("final", answer)]
    said = [Message.from_role_and_content(Role.ASSISTANT, text).with_channel(name) for name, text in parts if text]
    config = RenderConversationConfig(auto_drop_analysis=False)
    prompt = encoding.render_conversation_for_completion(Conversation.from_messages([question]), Role.ASSISTANT)
    whole = encoding.render_conversation(Conversation.from_messages([question, *said]), config)
    assert whole[: len(prompt)] == prompt
    (end,) = encoding.encode("<|return|>", allowed_special="all")
    return [*whole[len(prompt) : -1], end]


@pytest.mark.parametrize(
    "text", [THOUGHT, ANSWER, "  return x  # 注釈\n\n\tdef f():\n", "<|channel|>final", "it's 12345 OK's"]
)
def test_same_tokens(encoding: Any, text: str) -> None:
    """Of any text; names of special tokens are text in it."""
    ours = real_tokenizer("gpt-oss").encode(text, add_special_tokens=False, split_special_tokens=True)
    assert ours == encoding.encode(text, disallowed_special=())


@pytest.mark.parametrize("counted", [True, False])
@pytest.mark.parametrize(
    ("thought", "fields"),
    [
        (THOUGHT, {"reasoning": THOUGHT, "content": ANSWER}),
        (
            THOUGHT,
            {
                "content": f"<|channel|>analysis<|message|>{THOUGHT}<|end|><|start|>assistant<|channel|>final<|message|>{ANSWER}"
            },
        ),
        (
            THOUGHT,
            {
                "content": f"<|channel|>analysis<|message|>{THOUGHT}<|end|><|start|>assistant<|channel|>final<|message|>{ANSWER}<|return|>"
            },
        ),
        (THOUGHT, {"content": f"analysis{THOUGHT}assistantfinal{ANSWER}"}),
        ("", {"content": ANSWER}),
        ("", {"content": f"<|channel|>final<|message|>{ANSWER}"}),
        ("", {"content": f"{ANSWER}<|return|>"}),
    ],
    ids=["fields", "markup", "markup-and-end", "words", "final-alone", "final-markup", "end"],
)
def test_answers(encoding: Any, thought: str, fields: dict[str, Any], counted: bool) -> None:
    """In every form in which servers send it, an answer comes to the tokens of the library, counted or not."""
    tokens = written(encoding, thought=thought, answer=ANSWER)
    plain: dict[str, Any] = {"index": 0, "finish_reason": "stop", "completion_tokens": len(tokens) if counted else None}
    (sequence,) = tokenize([PROMPT], [Response(**plain, **fields)], real_tokenizer("gpt-oss"))
    assert sequence.output_token_ids == tokens
    assert sequence.fidelity is (Fidelity.COUNTED if counted else Fidelity.UNCOUNTED)


def test_a_thought_that_was_cut(encoding: Any) -> None:
    """Nothing is closed that the model left open."""
    from openai_harmony import Role

    tokens = written(encoding, thought=THOUGHT, answer="")[:-1]
    (sequence,) = tokenize(
        [PROMPT], [Response(index=0, content="", reasoning=THOUGHT, finish_reason="length")], real_tokenizer("gpt-oss")
    )
    assert sequence.output_token_ids == tokens
    (message,) = encoding.parse_messages_from_completion_tokens(sequence.output_token_ids, Role.ASSISTANT)
    assert (message.channel, message.content[0].text) == ("analysis", THOUGHT)
