"""Answers that somebody else collected, from a file: an inference bundle, or samples in vLLM's shape.

Samples may stand in an object (``samples``), in a list, alone, or one a line. What a file says of how it was sampled is kept, so that nobody
judges it by other parameters.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from token_difr.errors import InputError
from token_difr.records import Conversation, TokenSequence
from token_difr.sequences.interchange import BUNDLE_KEYS, InferenceBundle, Samples, read_document
from token_difr.untrusted import read_json

__all__ = ["GivenAnswers", "read_answers"]

LINES = frozenset({".jsonl", ".ndjson"})
SETTINGS = ("sampling_params", "sampling", "generation_config", "params", "config")
"""Where files keep how they were sampled, beside their top."""

STATED = ("temperature", "top_k", "top_p", "min_p")


@dataclass(frozen=True, kw_only=True)
class GivenAnswers:
    """Answers of one model, as token ids.

    Attributes:
        path: The file.
        model: The model's name, where the file has it.
        prompts: What was asked, one for each sequence; None where only token ids say it.
        sequences: Prompt and output of each.
        texts: The output's text of each, where the file has it.
        document: All of the file.
        stated: How the file says that it was sampled: temperature, top_k, top_p, min_p, where they are numbers.
    """

    path: Path
    model: str | None
    prompts: Sequence[Conversation | None]
    sequences: Sequence[TokenSequence]
    texts: Sequence[str | None]
    document: object
    stated: Mapping[str, float]


def read_answers(path: str | os.PathLike[str]) -> GivenAnswers:
    """Read a file of answers.

    Raises:
        InputError: It cannot be read, or has another form; says what, and where.
    """
    path = Path(path)
    document = {"samples": list(_lines(path))} if path.suffix in LINES else read_document(path)
    if isinstance(document, dict) and {"prompt_token_ids", "outputs"} <= document.keys():
        document = [document]
    if isinstance(document, list):
        document = {"samples": document}
    if not isinstance(document, dict) or not ({"samples"} <= document.keys() or {*BUNDLE_KEYS} <= document.keys()):
        raise InputError(
            f"{path} holds no answers: an inference bundle has {', '.join(BUNDLE_KEYS)}; samples in vLLM's shape are a list of "
            "objects with prompt_token_ids and outputs"
        )
    return _of_samples(path, document) if "samples" in document else _of_bundle(path, document)


def _lines(path: Path) -> Iterator[object]:
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                yield read_json(line)
            except ValueError as error:
                raise InputError(f"{path}, line {number} is not JSON: {error}") from error


def _of_bundle(path: Path, document: dict[str, Any]) -> GivenAnswers:
    bundle = InferenceBundle.of(document, path)
    parts = [_parted(path, index, conversation) for index, conversation in enumerate(bundle.conversations)]
    return GivenAnswers(
        path=path,
        model=bundle.model,
        prompts=[prompt for prompt, _ in parts],
        sequences=bundle.sequences,
        texts=[text for _, text in parts],
        document=document,
        stated=_stated(document),
    )


def _parted(path: Path, index: int, conversation: object) -> tuple[Conversation, str | None]:
    """What was asked, and the answer's text where the conversation goes on to it."""
    if not isinstance(conversation, list) or not all(isinstance(message, dict) for message in conversation):
        raise InputError(f"{path}: conversation {index} is no list of messages")
    if conversation and conversation[-1].get("role") == "assistant":
        *prompt, answer = conversation
        return prompt, _text(answer.get("content"))
    return conversation, None


def _of_samples(path: Path, document: dict[str, Any]) -> GivenAnswers:
    sequences = Samples.of(document, path).sequences
    prompts, texts = list[Conversation | None](), list[str | None]()
    for sample in document["samples"]:
        asked = _text(sample.get("prompt"))
        for output in sample["outputs"]:
            prompts.append([{"role": "user", "content": asked}] if asked else None)
            texts.append(_text(output.get("text")))
    config = document.get("config")
    model = next(
        (each.get("model") for each in (document, config) if isinstance(each, dict) and each.get("model")), None
    )
    return GivenAnswers(
        path=path,
        model=_text(model),
        prompts=prompts,
        sequences=sequences,
        texts=texts,
        document=document,
        stated=_stated(document),
    )


def _stated(document: Mapping[str, Any]) -> dict[str, float]:
    found = dict[str, float]()
    for part in (document, *(document.get(name) for name in SETTINGS)):
        for each in (part, *(part.get(name) for name in SETTINGS)) if isinstance(part, dict) else ():
            if isinstance(each, dict):
                found |= {name: float(each[name]) for name in STATED if _is_number(each.get(name))}
    return found


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
