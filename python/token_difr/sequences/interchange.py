"""Files that other tools of this field write and read: vLLM-style samples and inference bundles.

Samples are what token-difr 0.1 saves, in the shape of vLLM's own results; one sample may hold several outputs:

    {"config": {...}, "samples": [{"prompt_token_ids": [...], "outputs": [{"token_ids": [...]}]}]}

An inference bundle keeps the conversations beside the tokens, and whatever else its writer found worth keeping:

    {"model": "...", "conversations": [[{"role": ..., "content": ...}]], "sequences": [{"prompt_token_ids": [...],
     "output_token_ids": [...]}], ...}
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from token_difr.errors import InputError
from token_difr.records import LARGEST_ID, Conversation, TokenSequence
from token_difr.untrusted import read_json

__all__ = ["BUNDLE_KEYS", "InferenceBundle", "Samples", "read_document"]

BUNDLE_KEYS = ("model", "conversations", "sequences")
"""What an inference bundle has at least."""


@dataclass(frozen=True, kw_only=True)
class Samples:
    """Token sequences in vLLM's shape.

    Attributes:
        config: How they were made; any JSON values.
        sequences: One for each output. Several outputs of one sample come as sequences with the same prompt, and are
            written as samples of one output each.
    """

    config: Mapping[str, Any]
    sequences: Sequence[TokenSequence]

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Self:
        """The samples of a file.

        Raises:
            InputError: It cannot be read or has another form; names the sample, from 0.
        """
        return cls.of(read_document(path), path)

    @classmethod
    def of(cls, document: object, path: str | os.PathLike[str]) -> Self:
        """The samples in a document that was read from ``path``; raises as :meth:`read`."""
        content = _object(document, path, ("samples",))
        sequences = []
        for index, sample in enumerate(_list(path, content, "samples")):
            try:
                prompt = sample["prompt_token_ids"]
                sequences += [_sequence(prompt, output["token_ids"]) for output in sample["outputs"]]
            except (KeyError, TypeError) as error:
                raise InputError(f"{path}: sample {index} is not in vLLM's shape: {_reason(error)}") from error
        return cls(config=content.get("config", {}), sequences=sequences)

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write a file that :meth:`read` reads; an older one is replaced."""
        records = [sequence.to_dict() for sequence in self.sequences]
        samples = [
            {"prompt_token_ids": record["prompt_token_ids"], "outputs": [{"token_ids": record["output_token_ids"]}]}
            for record in records
        ]
        _write(path, {"config": dict(self.config), "samples": samples})


@dataclass(frozen=True, kw_only=True)
class InferenceBundle:
    """Conversations of one model and the token sequences of its answers.

    Attributes:
        model: The model's name.
        conversations: What was asked.
        sequences: Prompt and output of each, in the same order.
        others: All other entries of the file, which go back into it as they were.

    Raises:
        InputError: Not one sequence a conversation, or an entry of ``others`` that has its own place.
    """

    model: str
    conversations: Sequence[Conversation]
    sequences: Sequence[TokenSequence]
    others: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.conversations) != len(self.sequences):
            raise InputError(
                f"a bundle has a sequence for each conversation, not {len(self.sequences)} for {len(self.conversations)}"
            )
        doubled = [key for key in BUNDLE_KEYS if key in self.others]
        if doubled:
            raise InputError(f"{', '.join(doubled)} cannot be among the other entries of a bundle")

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Self:
        """The bundle in a file.

        Raises:
            InputError: It cannot be read or has another form; names the sequence, from 0.
        """
        return cls.of(read_document(path), path)

    @classmethod
    def of(cls, document: object, path: str | os.PathLike[str]) -> Self:
        """The bundle in a document that was read from ``path``; raises as :meth:`read`."""
        content = _object(document, path, BUNDLE_KEYS)
        sequences = []
        for index, record in enumerate(_list(path, content, "sequences")):
            try:
                sequences.append(_sequence(record["prompt_token_ids"], record["output_token_ids"]))
            except (KeyError, TypeError) as error:
                raise InputError(f"{path}: sequence {index} is no token sequence: {_reason(error)}") from error
        return cls(
            model=str(content["model"]),
            conversations=_list(path, content, "conversations"),
            sequences=sequences,
            others={key: value for key, value in content.items() if key not in BUNDLE_KEYS},
        )

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write a file that :meth:`read` reads; an older one is replaced."""
        own = {
            "model": self.model,
            "conversations": list(self.conversations),
            "sequences": [sequence.to_dict() for sequence in self.sequences],
        }
        _write(path, {**own, **self.others})


def read_document(path: str | os.PathLike[str]) -> object:
    """The JSON value in a file of others.

    Raises:
        InputError: It cannot be read, or is no JSON; names the file.
    """
    try:
        return read_json(Path(path).read_bytes())
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise InputError(f"{path} is not JSON: {error}") from error


def _object(content: object, path: str | os.PathLike[str], needed: Sequence[str]) -> dict[str, Any]:
    missing = [key for key in needed if not isinstance(content, dict) or key not in content]
    if missing:
        raise InputError(f"{path} lacks {', '.join(missing)}")
    return dict(content) if isinstance(content, dict) else {}


def _list(path: str | os.PathLike[str], content: Mapping[str, Any], key: str) -> list[Any]:
    if not isinstance(content[key], list):
        raise InputError(f"{path}: {key} is not a list")
    return list(content[key])


def _sequence(prompt: object, output: object) -> TokenSequence:
    return TokenSequence(prompt_token_ids=_token_ids(prompt), output_token_ids=_token_ids(output))


def _token_ids(value: object) -> list[int]:
    if not isinstance(value, list) or not all(type(token) is int and 0 <= token <= LARGEST_ID for token in value):
        raise TypeError(f"token ids are a list of integers of at least 0 and at most {LARGEST_ID}")
    return value


def _write(path: str | os.PathLike[str], content: dict[str, Any]) -> None:
    Path(path).write_text(json.dumps(content), encoding="utf-8")


def _reason(error: KeyError | TypeError) -> str:
    return f"it lacks {error}" if isinstance(error, KeyError) else str(error)
