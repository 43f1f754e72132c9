"""The tokenizer that a GGUF file describes, on the library ``tokenizers``.

Two models are known: byte-level BPE (``gpt2``), which cuts texts by a pattern that the file only names, and SentencePiece's BPE
(``llama``), whose merges follow from the scores of its pieces. A name whose pattern is not known is refused: another
pattern gives other tokens.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from token_difr.errors import LONGEST_REASON, InputError, UnsupportedModelError

__all__ = ["end_token_ids", "special_tokens", "tokenizer_of"]

_CONTRACTIONS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
_REST = r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
_UPPER, _LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
_PATTERNS = {
    "llama-bpe": _CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|" + _REST,
    "qwen2": _CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|" + _REST,
    "qwen35": _CONTRACTIONS
    + r"|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}|"
    + _REST.replace(r"\p{L}\p{N}", r"\p{L}\p{M}\p{N}"),
    "tekken": rf"[^\r\n\p{{L}}\p{{N}}]?{_UPPER}*{_LOWER}+|[^\r\n\p{{L}}\p{{N}}]?{_UPPER}+{_LOWER}*|\p{{N}}|"
    r" ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
}
"""``tokenizer.ggml.pre`` -> the pattern of what is a word, as the models' own tokenizers have it."""
_SAME = {"llama3": "llama-bpe", "llama-v3": "llama-bpe", "deepseek-r1-qwen": "qwen2"}
_PLAIN, _DIGIT_BY_DIGIT = ("", "gpt-2"), ("smollm", "starcoder", "refact", "command-r")
"""Those that have GPT-2's pattern, and those that cut digits apart before."""
_WHOLE_WORDS_FIRST = ("llama-bpe", "tekken")
"""Those that take a word that is a token as it is, before any merge."""
_COMPOSED = ("qwen2", "qwen35")
"""Those that compose characters and their marks (NFC)."""
_UNKNOWN, _CONTROL, _USER_DEFINED = 2, 3, 4
_SPACE = "\N{LOWER ONE EIGHTH BLOCK}"
_ROLES = {"bos_token": "bos", "eos_token": "eos", "unk_token": "unknown", "pad_token": "padding"}
_ENDS = ("eos", "eot", "eom")


def tokenizer_of(metadata: Mapping[str, Any]) -> Any:
    """A ``tokenizers.Tokenizer``.

    Args:
        metadata: That of the file.

    Raises:
        UnsupportedModelError: The tokenizer is of a kind that is not known.
        InputError: The file holds none.
    """
    model, tokens = _told(metadata, "model"), _told(metadata, "tokens")
    if tokens is None:
        raise InputError("the GGUF file holds no tokenizer")
    makers = {"gpt2": _byte_level, "llama": _sentence_piece}
    if model not in makers:
        raise UnsupportedModelError(f"the GGUF file's tokenizer {model!r}")
    try:
        tokenizer = makers[model](metadata, tokens)
        _add_tokens(tokenizer, metadata, tokens)
        _add_ends(tokenizer, metadata, tokens)
    except InputError:
        raise
    except Exception as error:  # what the library raises of a merge that makes no token has no class of its own
        raise InputError(f"the GGUF file's tokenizer is damaged: {str(error)[:LONGEST_REASON]}") from error
    return tokenizer


def special_tokens(metadata: Mapping[str, Any]) -> dict[str, str]:
    """The texts of the tokens that have a role, as chat templates name them."""
    tokens = _told(metadata, "tokens") or ()
    ids = {role: _told(metadata, f"{name}_token_id") for role, name in _ROLES.items()}
    return {role: tokens[token] for role, token in ids.items() if token is not None and 0 <= token < len(tokens)}


def end_token_ids(metadata: Mapping[str, Any]) -> frozenset[int]:
    """The tokens that end an answer: those of a text, of a turn and of a message.

    Raises:
        InputError: An id that no token has.
    """
    count = len(_told(metadata, "tokens") or ())
    ids = [int(token) for name in _ENDS if (token := _told(metadata, f"{name}_token_id")) is not None]
    wrong = [token for token in ids if not 0 <= token < count]
    if wrong:
        raise InputError(f"the GGUF file names {wrong[0]} as the end of an answer, and has {count} tokens")
    return frozenset(ids)


def _told(metadata: Mapping[str, Any], name: str) -> Any:
    return metadata.get(f"tokenizer.ggml.{name}")


def _byte_level(metadata: Mapping[str, Any], tokens: Sequence[str]) -> Any:
    from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers

    named = _told(metadata, "pre") or ""
    name = _SAME.get(named, named)
    merges = [tuple(merge.split(" ", 1)) for merge in _told(metadata, "merges") or ()]
    vocabulary = {token: place for place, token in enumerate(tokens)}
    tokenizer = Tokenizer(models.BPE(vocabulary, merges, ignore_merges=name in _WHOLE_WORDS_FIRST))
    if name in _PATTERNS:
        words = pre_tokenizers.Split(Regex(_PATTERNS[name]), "isolated")
        steps = [words, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    elif name in _PLAIN or name in _DIGIT_BY_DIGIT:
        digits = [pre_tokenizers.Digits(individual_digits=True)] if name in _DIGIT_BY_DIGIT else []
        steps = [*digits, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)]
    else:
        raise UnsupportedModelError(f"the GGUF file's way to cut texts into words, {named!r}")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(steps)
    if name in _COMPOSED:
        tokenizer.normalizer = normalizers.NFC()
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def _sentence_piece(metadata: Mapping[str, Any], tokens: Sequence[str]) -> Any:
    from tokenizers import Tokenizer, decoders, models, normalizers

    scores = _told(metadata, "scores")
    if scores is None or len(scores) != len(tokens):
        raise InputError("the GGUF file's tokenizer has no score for every piece")
    vocabulary = {token: place for place, token in enumerate(tokens)}
    unknown = special_tokens(metadata).get("unk_token", "<unk>")
    model = models.BPE(
        vocabulary, _merges(vocabulary, scores.tolist()), unk_token=unknown, fuse_unk=True, byte_fallback=True
    )
    tokenizer = Tokenizer(model)
    leads = _told(metadata, "add_space_prefix") is not False
    lead = [normalizers.Prepend(_SPACE)] if leads else []
    tokenizer.normalizer = normalizers.Sequence([*lead, normalizers.Replace(" ", _SPACE)])
    back = [decoders.Replace(_SPACE, " "), decoders.ByteFallback(), decoders.Fuse()]
    tokenizer.decoder = decoders.Sequence([*back, *([decoders.Strip(" ", 1, 0)] if leads else [])])
    return tokenizer


def _merges(vocabulary: Mapping[str, int], scores: Sequence[float]) -> list[tuple[str, str]]:
    """Pairs of pieces that make a piece, those that make the best one first; of one piece's the longer head first."""
    found = []
    for piece, place in vocabulary.items():
        for cut in range(1, len(piece)):
            head, tail = piece[:cut], piece[cut:]
            if head in vocabulary and tail in vocabulary:
                found.append((scores[place], vocabulary[head], vocabulary[tail], head, tail))
    found.sort(key=lambda merge: (-merge[0], merge[1], merge[2]))
    return [(head, tail) for *_, head, tail in found]


def _add_tokens(tokenizer: Any, metadata: Mapping[str, Any], tokens: Sequence[str]) -> None:
    """Tokens that stand for themselves wherever a text holds them."""
    from tokenizers import AddedToken

    kinds = _told(metadata, "token_type")
    kinds = [] if kinds is None else kinds.tolist()
    for kind in (_UNKNOWN, _CONTROL):
        added = [token for token, own in zip(tokens, kinds, strict=False) if own == kind]
        tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in added])
    added = [token for token, own in zip(tokens, kinds, strict=False) if own == _USER_DEFINED]
    tokenizer.add_tokens([AddedToken(token, special=False, normalized=False) for token in added])


def _add_ends(tokenizer: Any, metadata: Mapping[str, Any], tokens: Sequence[str]) -> None:
    """The tokens before and behind every text, where the file asks for them or llama.cpp adds them unasked."""
    from tokenizers import processors

    pre = _told(metadata, "pre") or ""
    unasked = _told(metadata, "model") == "llama" or _SAME.get(pre, pre) == "llama-bpe"
    begins = _told(metadata, "add_bos_token")
    ends = {"bos": unasked if begins is None else begins, "eos": bool(_told(metadata, "add_eos_token"))}
    ids = {name: _told(metadata, f"{name}_token_id") for name, wanted in ends.items() if wanted}
    used = {name: (tokens[place], place) for name, place in ids.items() if place is not None and place < len(tokens)}
    if used:
        parts = [used["bos"][0]] if "bos" in used else []
        parts += ["$A", *([used["eos"][0]] if "eos" in used else [])]
        tokenizer.post_processor = processors.TemplateProcessing(
            single=" ".join(parts), special_tokens=sorted(set(used.values()))
        )
