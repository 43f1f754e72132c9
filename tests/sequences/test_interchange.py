"""vLLM-style samples and inference bundles, there and back."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from token_difr.errors import InputError
from token_difr.records import TokenSequence
from token_difr.sequences.interchange import InferenceBundle, Samples

SEQUENCES = [TokenSequence([1, 2, 3], [4, 5]), TokenSequence([6], [])]
CONVERSATIONS = [[{"role": "user", "content": "grüß dich"}], [{"role": "user", "content": "bye"}]]


def saved(path: Path, content: object) -> Path:
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def test_samples_there_and_back(tmp_path: Path) -> None:
    """The file has exactly the shape of token-difr 0.1's, and gives back what was written."""
    path = tmp_path / "samples.json"
    Samples(config={"model": "m", "n": 2}, sequences=SEQUENCES).write(path)
    assert json.loads(path.read_text()) == {
        "config": {"model": "m", "n": 2},
        "samples": [
            {"prompt_token_ids": [1, 2, 3], "outputs": [{"token_ids": [4, 5]}]},
            {"prompt_token_ids": [6], "outputs": [{"token_ids": []}]},
        ],
    }
    assert Samples.read(path) == Samples(config={"model": "m", "n": 2}, sequences=SEQUENCES)


def test_several_outputs_of_a_sample(tmp_path: Path) -> None:
    """Each output of a prompt is a sequence; keys that vLLM adds are ignored."""
    sample = {"prompt_token_ids": [1], "outputs": [{"token_ids": [2], "text": "a"}, {"token_ids": [3]}], "id": 7}
    samples = Samples.read(saved(tmp_path / "a.json", {"samples": [sample]}))
    assert samples.config == {}
    assert samples.sequences == [TokenSequence([1], [2]), TokenSequence([1], [3])]


def test_tensors_and_tuples_become_lists(tmp_path: Path) -> None:
    """Token ids of any kind of sequence are written as plain integers."""
    import numpy as np

    path = tmp_path / "a.json"
    Samples(config={}, sequences=[TokenSequence(np.array([1, 2]), (3,))]).write(path)  # type: ignore[arg-type]
    assert Samples.read(path).sequences == [TokenSequence([1, 2], [3])]


def test_bundle_there_and_back(tmp_path: Path) -> None:
    """Conversations, sequences and entries that this package does not know survive."""
    path = tmp_path / "bundle.json"
    bundle = InferenceBundle(
        model="m", conversations=CONVERSATIONS, sequences=SEQUENCES, others={"temperature": 0.0, "notes": ["x"]}
    )
    bundle.write(path)
    assert list(json.loads(path.read_text())) == ["model", "conversations", "sequences", "temperature", "notes"]
    assert InferenceBundle.read(path) == bundle


@pytest.mark.parametrize(
    ("read", "content", "words"),
    [
        (Samples.read, {"config": {}}, "lacks samples"),
        (Samples.read, [], "lacks samples"),
        (Samples.read, {"samples": {}}, "samples is not a list"),
        (Samples.read, {"samples": [{"outputs": []}]}, "sample 0 is not in vLLM's shape: it lacks 'prompt_token_ids'"),
        (Samples.read, {"samples": [{"prompt_token_ids": [1], "outputs": [{}]}]}, "it lacks 'token_ids'"),
        (Samples.read, {"samples": [{"prompt_token_ids": [True], "outputs": [{"token_ids": []}]}]}, "list of integers"),
        (Samples.read, {"samples": [7]}, "sample 0"),
        (InferenceBundle.read, {"model": "m"}, "lacks conversations, sequences"),
        (InferenceBundle.read, {"model": "m", "conversations": [], "sequences": [{}]}, "sequence 0 is no token seq"),
        (InferenceBundle.read, {"model": "m", "conversations": [[]], "sequences": []}, "not 0 for 1"),
    ],
)
def test_files_of_another_form(tmp_path: Path, read: Callable[[Path], Any], content: object, words: str) -> None:
    """What a file lacks is named, with the entry's number."""
    with pytest.raises(InputError, match=words):
        read(saved(tmp_path / "a.json", content))


def test_files_that_are_not_there_or_not_json(tmp_path: Path) -> None:
    """Both are input errors that name the file."""
    with pytest.raises(InputError, match=r"cannot read .*a\.json"):
        Samples.read(tmp_path / "a.json")
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(InputError, match="is not JSON"):
        InferenceBundle.read(tmp_path / "a.json")


def test_a_bundle_has_no_entry_twice() -> None:
    """Its own entries cannot be among the others."""
    with pytest.raises(InputError, match="model cannot be among the other entries"):
        InferenceBundle(model="m", conversations=[], sequences=[], others={"model": "n"})
