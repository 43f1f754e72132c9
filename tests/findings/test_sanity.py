"""Files of answers that nothing can be judged with are named for what they are, and sound ones are not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from token_difr.errors import InputError
from token_difr.findings import check_sound, unsound
from token_difr.sequences import load_tokenizer
from token_difr.sequences.given_answers import read_answers

TEXTS = [
    "The method returns a new list of the items, sorted by name.",
    "There are three kinds of error: wrong input, an endpoint that fails, and a fault of ours.",
    "42",
    "token_id is the name of a field, as in token_id: 7, and nothing else in this long answer is.",
    "1, 2, 3, 4, 5, 6",
]
TOKENIZER: Any = load_tokenizer("demo")


def ids(text: str) -> list[int]:
    """Tokens of a text."""
    return list(TOKENIZER.encode(text, add_special_tokens=False))


def bundle(outputs: list[list[int]], **others: Any) -> dict[str, Any]:
    """An inference bundle with these outputs."""
    asked = [f"What is number {index}?" for index in range(len(outputs))]
    pairs = zip(asked, outputs, strict=True)
    return {
        "model": "m",
        "conversations": [[{"role": "user", "content": text}] for text in asked],
        "sequences": [{"prompt_token_ids": ids(text), "output_token_ids": output} for text, output in pairs],
        **others,
    }


def samples(outputs: list[list[int]], texts: list[str] | None = None) -> list[dict[str, Any]]:
    """The same in vLLM's shape."""
    told = [{} for _ in outputs] if texts is None else [{"text": text} for text in texts]
    return [
        {"prompt_token_ids": ids(f"Number {index}?"), "outputs": [{"token_ids": output, **text}]}
        for index, (output, text) in enumerate(zip(outputs, told, strict=True))
    ]


SOUND = [ids(text) for text in TEXTS]
NAMED = [" ".join(f"token_id:{token}" for token in output) for output in SOUND]
LOOPS = [[7] * 20, [7] * 19 + [2], [2] + [9] * 30]


def words_on(tmp_path: Path, document: object, tokenizer: Any = None) -> str:
    """All that is wrong with a file of this content."""
    file = tmp_path / "answers.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    return "; ".join(unsound(read_answers(file), tokenizer))


UNSOUND: dict[str, tuple[object, str]] = {
    "ids for texts": (samples(SOUND, NAMED), 'samples[0].outputs[0].text: it reads "token_id:'),
    "ids for one text": (samples(SOUND, [*TEXTS[:4], NAMED[4]]), "1 texts are ids in words, the first in samples[4]"),
    "ids in the conversations": (
        bundle(SOUND) | {"conversations": [[{"role": "user", "content": "a"}, {"role": "assistant", "content": text}] for text in NAMED]},
        "conversations[0][1].content",
    ),
    "ids in parts of a message": (
        bundle(SOUND) | {"conversations": [[{"role": "user", "content": [{"type": "text", "text": text}]}] for text in NAMED]},
        "conversations[0][0].content[0].text",
    ),
    "ids beside the sequences": (bundle(SOUND, responses=NAMED), "in responses[0]"),
    "ids in a mapping": (bundle(SOUND, logprobs={"tokens": ["token_id:758", "token_id:3100"]}), "in logprobs.tokens[0]"),
    "ids in brackets": (bundle(SOUND, texts=["<token_7><token_8>", "<|token_id_9|>"]), "in texts[0]"),
    "ids spelled otherwise": (bundle(SOUND, texts=["Token ID: 758, Token ID: 3100"]), "in texts[0]"),
    "numbers for texts": (samples(SOUND, [str(output) for output in SOUND]), "numbers of their token ids, the first that of answer 0"),
    "codes of characters": (bundle([list(map(ord, text)) for text in TEXTS]), 'outputs are the codes of characters, the first read "The method'),
    "bytes": (bundle([list("Größe, naïve und viel mehr Text als das".encode()) + list(TEXTS[0].encode() * 4)] * 3), "codes of characters"),
    "codes in the prompts": (
        bundle(SOUND) | {"sequences": [{"prompt_token_ids": list(map(ord, TEXTS[0])), "output_token_ids": output} for output in SOUND]},
        "prompts are the codes of characters",
    ),
    "one id over and over": (bundle(LOOPS), "3 repeat one id, the first that of answer 0: 7"),
    "mostly one id": (bundle([*LOOPS, SOUND[0], SOUND[1]]), "of 5 outputs 3 repeat one id"),
    "mostly empty": (bundle([[], [], SOUND[0], []]), "3 are empty, the first that of answer 0"),
    "all empty": (samples([[], []]), "2 are empty"),
    "some of both": (bundle([[], [5] * 9, SOUND[0], [], SOUND[1]]), "2 are empty, the first that of answer 0 and 1 repeat one id"),
    "the same to all": (bundle([SOUND[1]] * 5), "the same, to 5 different prompts"),
    "prompts in the outputs": (
        bundle(SOUND) | {"sequences": [{"prompt_token_ids": [5, 6, 7], "output_token_ids": [5, 6, 7, *output]} for output in SOUND]},
        "5 outputs begin with their prompt",
    ),
    "nothing": (bundle([]), "holds no answers"),
}  # fmt: skip


@pytest.mark.parametrize(("document", "named"), UNSOUND.values(), ids=UNSOUND.keys())
def test_what_is_wrong_is_named(tmp_path: Path, document: object, named: str) -> None:
    """With its place, and without the tokenizer."""
    assert named in words_on(tmp_path, document)
    with pytest.raises(InputError, match="cannot be judged"):
        check_sound(read_answers(tmp_path / "answers.json"))


WITH_TOKENIZER: dict[str, tuple[object, str]] = {
    "ids of ids in words": (bundle([ids(text) for text in NAMED]), '5 outputs spell ids in words, the first that of answer 0: it reads "token_id:'),
    "texts of others": (samples(SOUND, [*TEXTS[1:], TEXTS[0]]), "5 of 5 texts are not what their tokens decode to"),
    "beyond the vocabulary": (bundle([*SOUND, [3, 99_999]]), "beyond the tokenizer's"),
    "codes of characters": (bundle([list(map(ord, text)) for text in TEXTS]), "codes of characters"),
}  # fmt: skip


@pytest.mark.parametrize(("document", "named"), WITH_TOKENIZER.values(), ids=WITH_TOKENIZER.keys())
def test_what_the_tokenizer_tells(tmp_path: Path, document: object, named: str) -> None:
    """Is named where it is at hand."""
    assert named in words_on(tmp_path, document, TOKENIZER)


@pytest.mark.parametrize(
    "document",
    [
        bundle(SOUND),
        bundle([*SOUND, [], [7] * 20]),
        bundle([[5]] * 3),
        samples(SOUND, TEXTS),
        {"samples": samples(SOUND, TEXTS), "config": {"n": 1}},
        samples(SOUND, TEXTS)[0],
        bundle([[40, 41, 42, 43]] * 3),  # small ids, and too few to tell
        bundle([list(range(33, 60)), list(range(34, 90))]),  # in the range of characters, and no text
        bundle(
            SOUND, note="token_id:7 is what servers write for a token's text; here its texts were left out of the file"
        ),
    ],
    ids=("bundle", "few odd ones", "three alike", "samples", "config", "one", "few ids", "no letters", "a remark"),
)
@pytest.mark.parametrize("tokenizer", [None, TOKENIZER], ids=("without", "with"))
def test_what_is_sound_is_let_pass(tmp_path: Path, document: object, tokenizer: Any) -> None:
    """Among it a few odd outputs, which the audit's findings count, and texts that look odd at first."""
    assert words_on(tmp_path, document, tokenizer) == ""


def test_models_of_bytes(tmp_path: Path) -> None:
    """Their ids are codes of characters by right: the tokenizer tells."""

    class OfBytes:
        """Ids are bytes."""

        def decode(self, token_ids: list[int], *, skip_special_tokens: bool = False) -> str:
            """As text."""
            assert not skip_special_tokens
            return bytes(token_ids).decode()

    assert words_on(tmp_path, bundle([list(text.encode()) for text in TEXTS]), OfBytes()).count("prompts") == 0
    assert "codes" not in words_on(tmp_path, bundle([list(text.encode()) for text in TEXTS]), OfBytes())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 2**70) | st.floats() | st.text(max_size=20) | st.sampled_from(NAMED),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["prompt_token_ids", "outputs", "token_ids", "text", "role", "content", "x"]), inner, max_size=4),
    max_leaves=8,
)  # fmt: skip


@given(
    value=JSON,
    name=st.sampled_from(["model", "conversations", "sequences", "samples", "config", "temperature"]),
    first=st.booleans(),
)
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_files_of_any_content(tmp_path: Path, value: Any, name: str, first: bool) -> None:
    """Are read, or refused as input, and nothing else."""
    document = {**bundle(SOUND[:2]), name: value}
    if first and isinstance(value, dict):
        document = {**document, "sequences": [value, *bundle(SOUND[:2])["sequences"][1:]]}
    file = tmp_path / "a.json"
    file.write_text(json.dumps(document), encoding="utf-8", errors="surrogatepass")
    for tokenizer in (None, TOKENIZER):
        try:
            check_sound(read_answers(file), tokenizer)
        except InputError as error:
            assert len(str(error)) < 4000  # noqa: PT017


@pytest.mark.parametrize("text", ["token" + " " * 200_000, "token_id:" * 50_000, "<|" * 100_000, "[" * 100_000])
def test_long_texts(tmp_path: Path, text: str) -> None:
    """Are looked at in a time that grows as they do."""
    assert words_on(tmp_path, bundle(SOUND, texts=[text])) == ""


def test_many_tokens(tmp_path: Path) -> None:
    """Of random ids, in which nothing is wrong."""
    rng = np.random.default_rng(0)
    outputs = [rng.integers(300, 2000, 500).tolist() for _ in range(200)]
    assert words_on(tmp_path, bundle(outputs)) == ""
