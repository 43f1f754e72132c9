"""Stop strings and incremental text."""

from __future__ import annotations

import numpy as np
import pytest

from token_difr.server.generation.text.detokenize import IncrementalDecoder
from token_difr.server.generation.text.output_text import OutputText
from token_difr.server.generation.text.stop import StopMatcher
from token_difr.server.model.folder import ModelFolder
from token_difr.server.model.tokenizer import ModelTokenizer

PIECES = ("<s>", "▁It", "▁is", "It", ".", "▁", "<0xE2>", "<0x86>", "<0x92>", "▁▁", "a", "▁a")


def sentencepiece() -> ModelTokenizer:
    """A tokenizer that adds a space to every text, and drops it in decoding."""
    from tokenizers import Tokenizer, decoders, models, normalizers

    backend = Tokenizer(models.BPE({piece: n for n, piece in enumerate(PIECES)}, [("▁", "a")], byte_fallback=True))
    backend.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    backend.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    backend.add_special_tokens(["<s>"])
    return ModelTokenizer(backend)


@pytest.mark.parametrize(
    ("context", "output", "text"),
    [
        ([], ["▁It", "▁is"], "It is"),
        (["▁a"], ["▁It", "▁is"], " It is"),
        (["<s>"], ["▁It", "▁is"], " It is"),
        (["a", "."], ["It", "▁is"], "It is"),
        (["▁a"], ["▁▁", "It"], "  It"),
        (["a"], ["<s>", "▁It"], " It"),
        (["a"], ["▁", "<0xE2>", "<0x86>", "<0x92>"], " →"),
        (["<0xE2>", "<0x86>"], ["▁It"], "It"),  # nobody knows the text of half a character
    ],
)
def test_text_behind_a_prompt(context: list[str], output: list[str], text: str) -> None:
    """An answer is no beginning of a text: its first space is kept, whether it comes whole or in pieces."""
    tokenizer = sentencepiece()
    prompt, ids = ([PIECES.index(piece) for piece in pieces] for pieces in (context, output))
    decoder = IncrementalDecoder(tokenizer, context=prompt)
    assert "".join(map(decoder.push, ids)) + decoder.flush() == text
    if prompt and text != "It":
        assert tokenizer.decode_behind(prompt, ids) == text


def test_texts_of_single_tokens() -> None:
    """Words keep their spaces, in texts and in bytes."""
    tokenizer = sentencepiece()
    shown = {piece: tokenizer.token_text(n) for n, piece in enumerate(PIECES)}
    assert [shown[piece] for piece in ("▁It", "It", "▁▁", "<s>")] == [" It", "It", "  ", "<s>"]
    assert tokenizer.token_bytes(PIECES.index("▁It")) == b" It"
    assert tokenizer.token_bytes(PIECES.index("<0xE2>")) == b"\xe2"


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
