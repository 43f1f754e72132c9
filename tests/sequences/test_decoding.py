"""Text behind a prompt: tokenizers that drop or add the space of a text's first word, and those that do not."""

from __future__ import annotations

from typing import Any

import pytest
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers

from token_difr.records import Fidelity, Response
from token_difr.sequences import decode_behind, encode_behind, tokenize
from token_difr.sequences.decoding import encode_without_space

PIECES = (
    "▁It",
    "It",
    "▁is",
    "is",
    "▁",
    "▁▁",
    "▁▁▁▁",
    "▁re",
    "re",
    "x",
    "\n",
    ".",
    "I",
    "t",
    "i",
    "s",
    "r",
    "e",
    "A",
    ":",
)
TEMPLATE = "{% for m in messages %}<s>{{ m.content }}</s>{% endfor %}{% if add_generation_prompt %}A:{% endif %}"
QUESTION = [{"role": "user", "content": "x"}]


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    """As SentencePiece's: a space before every text that it encodes, and none before any that it decodes."""
    from transformers import PreTrainedTokenizerFast

    special = ("<unk>", "<s>", "</s>")
    ids = {piece: n for n, piece in enumerate((*special, *(f"<0x{byte:02X}>" for byte in range(256)), *PIECES))}
    merges = [
        (piece[:cut], piece[cut:])
        for piece in PIECES
        for cut in range(1, len(piece))
        if piece[:cut] in ids and piece[cut:] in ids
    ]
    backend = Tokenizer(models.BPE(ids, merges, unk_token="<unk>", byte_fallback=True))
    backend.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    backend.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    backend.add_special_tokens([AddedToken(name, normalized=False) for name in special])
    made = PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="</s>", bos_token="<s>")
    made.chat_template = TEMPLATE
    return made


WROTE = [
    ("▁It", "▁is"),
    ("It", "▁is"),
    ("▁", "It"),
    ("▁▁▁▁", "re", "."),
    ("▁▁", "is"),
    ("\n", "▁It"),
    ("is",),
    ("▁is",),
    ("x", "▁", "x"),
    ("<0xE2>", "<0x86>", "<0x92>", "▁is"),
]


@pytest.mark.parametrize("pieces", WROTE)
def test_the_text_behind_a_prompt(tokenizer: Any, pieces: tuple[str, ...]) -> None:
    """It is what these tokens add to the prompt's text; encoded behind the prompt, it spells the same, with an added space or without."""
    prompt = tokenizer.encode("<s>x</s>A:", add_special_tokens=False)
    ids = tokenizer.convert_tokens_to_ids(list(pieces))
    text = decode_behind(prompt, ids, tokenizer)
    whole = "".join(piece.replace("▁", " ") for piece in pieces).replace("<0xE2><0x86><0x92>", "→")
    assert text == whole
    again = [encode_behind(prompt, text, tokenizer, special=False), encode_without_space(text, tokenizer)]
    assert text in [decode_behind(prompt, each, tokenizer) for each in again if each is not None]


@pytest.mark.parametrize("pieces", WROTE)
@pytest.mark.parametrize("is_behind", [True, False])
def test_ids_beside_either_text(tokenizer: Any, pieces: tuple[str, ...], is_behind: bool) -> None:
    """Servers show an output with its first space, or without: both are spelled by its ids."""
    prompt = tokenizer.encode("<s>x</s>A:", add_special_tokens=False)
    ids = tokenizer.convert_tokens_to_ids(list(pieces))
    shown = decode_behind(prompt, ids, tokenizer) if is_behind else tokenizer.decode(ids)
    body = {"choices": [{"token_ids": ids}]}
    (sequence,) = tokenize([QUESTION], [Response(index=0, content=shown, finish_reason="length", body=body)], tokenizer)
    assert (sequence.output_token_ids, sequence.fidelity) == (ids, Fidelity.IDS)


@pytest.mark.parametrize(
    ("content", "pieces"),
    [
        ("It is", ("▁It", "▁is")),  # decoded alone: the space that every text has is gone
        (" It is", ("▁It", "▁is")),
        ("is.", ("▁is", ".")),
        (" is.", ("▁is", ".")),
        ("    re", ("▁▁▁▁", "re")),
        ("\n It", ("▁", "\n", "▁It")),
    ],
)
def test_the_first_word(tokenizer: Any, content: str, pieces: tuple[str, ...]) -> None:
    """A text without ids becomes the tokens that its tokenizer writes behind the prompt."""
    (sequence,) = tokenize([QUESTION], [Response(index=0, content=content, finish_reason="length")], tokenizer)
    assert sequence.output_token_ids == tokenizer.convert_tokens_to_ids(list(pieces))


@pytest.mark.parametrize("finish", ["length", "stop", None])
@pytest.mark.parametrize(
    ("content", "pieces"),
    [
        ("\nIt", ("\n", "It")),
        ("→", ("<0xE2>", "<0x86>", "<0x92>")),
        (": x", (":", "▁", "x")),
        ("\nIt", ("▁", "\n", "It")),
        ("→", ("▁", "<0xE2>", "<0x86>", "<0x92>")),
    ],
)
def test_the_count_tells_of_the_space(
    tokenizer: Any, content: str, pieces: tuple[str, ...], finish: str | None
) -> None:
    """Where a space of its own is a token, the provider's count says whether there was one."""
    ids = tokenizer.convert_tokens_to_ids([*pieces, *(["</s>"] if finish == "stop" else [])])
    answer = Response(index=0, content=content, finish_reason=finish, completion_tokens=len(ids))
    other = Response(index=1, content="It is", finish_reason="stop", completion_tokens=3)
    (sequence, _) = tokenize([QUESTION] * 2, [answer, other], tokenizer)
    assert (sequence.output_token_ids, sequence.fidelity) == (ids, Fidelity.COUNTED)
