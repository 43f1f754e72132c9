"""Caches that the ``rollouts`` package wrote, read without touching them.

Its keys leave out much of a request (stop, min-p, reasoning, ...): an answer is taken only for a request that has none
of that, and from the folder that the user names. Even so it may have been asked for with such a field; that is why these
caches are read only when they are named.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from token_difr.errors import InputError
from token_difr.records import Logprobs
from token_difr.rollouts.config import Config
from token_difr.rollouts.response import Response, Usage
from token_difr.services import StatedUsage

__all__ = ["OldCache"]

LEFT_OUT = (
    "min_p",
    "top_a",
    "repetition_penalty",
    "logit_bias",
    "stop",
    "response_format",
    "reasoning",
    "include_reasoning",
    "chat_template_kwargs",
    "raw",
)
"""Parameters that change an answer and are in none of the old keys."""
UNSAID_TOP_K = 40
"""A top-k that the JSON layout writes like none."""
NUMBERS = ("temperature", "top_p", "presence_penalty", "frequency_penalty")
TEXTS = ("full", "content", "reasoning", "finish_reason", "provider", "response_id", "model", "object")


class OldCache:
    """A folder of the ``rollouts`` package: JSON files, a database a model, or both.

    Args:
        folder: ``.rollouts`` or ``.fw_rollouts``.
        config: Whose answers are looked for.
        service: Whom they are from: that package asked OpenRouter's chat endpoint, and in ``.fw_rollouts`` Fireworks.

    Raises:
        InputError: There is no such folder.
    """

    def __init__(self, folder: str | os.PathLike[str], config: Config, service: str) -> None:
        self._folder = Path(folder)
        if not self._folder.is_dir():
            raise InputError(f"there is no old cache {self._folder}")
        self._config = config
        asked = ("fireworks", True) if config.logprobs is not None else ("openrouter", False)
        unknown = any(getattr(config, name) for name in LEFT_OUT) or config.extra_body
        is_theirs = (service, config.endpoint == "completions") == asked
        self._is_described = is_theirs and not unknown

    def find_all(self, wanted: Sequence[tuple[Any, int]]) -> list[Response | None]:
        """Answers to prompts with seeds, None where there is none."""
        if not self._is_described:
            return [None] * len(wanted)
        try:
            with self._database() as connection:
                return [self._find(connection, prompt, seed) for prompt, seed in wanted]
        except sqlite3.Error as error:
            raise InputError(f"the old cache {self._folder} has a database of another kind: {error}") from error

    def _find(self, connection: sqlite3.Connection | None, prompt: Any, seed: int) -> Response | None:
        text = prompt if isinstance(prompt, str) else json.dumps(prompt)
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        entry = self._in_files(digest, seed)
        if entry is None and connection is not None and self._config.logprobs is None:
            entry = self._in_database(connection, digest, seed)
        if entry is None or entry.get("finish_reason") == "error":
            return None
        return _response(entry, seed)

    def _in_files(self, digest: str, seed: int) -> Mapping[str, Any] | None:
        if self._config.top_k == UNSAID_TOP_K:  # written like none: nothing tells which it was
            return None
        model = self._folder / _cleaned(self._config.model)
        for parameters in self._spellings():
            file = model / _file_part(parameters, self._config) / digest[:3] / digest / f"seed_{seed:05d}.json"
            if file.is_file() and (entry := _entry(file.read_text("utf-8", "replace"))) is not None:
                return entry
        return None

    def _in_database(self, connection: sqlite3.Connection, digest: str, seed: int) -> Mapping[str, Any] | None:
        for parameters in self._spellings():
            said = {name: value for name, value in parameters.items() if value is not None}
            hashed = hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]
            key = f"{self._config.model}:{digest[:16]}:{hashed}:{seed}"
            row = connection.execute("SELECT response_json FROM responses WHERE cache_key = ?", (key,)).fetchone()
            if row is not None:
                return _entry(row[0])
        return None

    def _spellings(self) -> Iterator[dict[str, Any]]:
        """The old key's parameters; 1 and 1.0 were written as the user typed them."""
        config = self._config
        forms = [_forms(getattr(config, name)) for name in NUMBERS]
        for values in itertools.product(*forms):
            numbers = dict(zip(NUMBERS, values, strict=True))
            routing = None if config.routing is None else dict(config.routing)
            yield {**numbers, "max_tokens": config.max_tokens, "top_k": config.top_k, "provider": routing}

    @contextmanager
    def _database(self) -> Iterator[sqlite3.Connection | None]:
        """The model's database, or a copy of it where a log beside it is not yet in it."""
        file = self._folder / f"{_cleaned(self._config.model).replace(' ', '-').lower()}.db"
        if not file.is_file():
            yield None
            return
        log = file.with_name(f"{file.name}-wal")
        with tempfile.TemporaryDirectory() as folder:
            if log.is_file() and log.stat().st_size:
                copied = Path(folder) / file.name
                shutil.copyfile(log, copied.with_name(log.name))
                file = Path(shutil.copyfile(file, copied))
                connection = sqlite3.connect(file)
            else:
                connection = sqlite3.connect(f"{file.resolve().as_uri()}?immutable=1", uri=True)
            try:
                yield connection
            finally:
                connection.close()


def _cleaned(model: str) -> str:
    return model.replace("/", "-").replace(":", "").replace("@", "-at-")


def _file_part(parameters: Mapping[str, Any], config: Config) -> str:
    part = "t{temperature}_p{top_p}_tok{max_tokens}".format(**parameters)
    if parameters["top_k"] not in {None, UNSAID_TOP_K}:
        part += f"_tk{parameters['top_k']}"
    if parameters["presence_penalty"]:
        part += f"_pp{parameters['presence_penalty']}"
    if parameters["frequency_penalty"]:
        part += f"_fp{parameters['frequency_penalty']}"
    if parameters["provider"] is not None:
        routing = json.dumps(parameters["provider"], sort_keys=True)
        part += f"_provider{hashlib.sha256(routing.encode()).hexdigest()[:8]}"
    if config.logprobs is not None:
        part += f"_lp{config.logprobs}_echo{int(config.echo)}"
    return part


def _forms(value: float) -> list[float]:
    return [float(value), int(value)] if float(value).is_integer() else [value]


def _entry(text: str) -> Mapping[str, Any] | None:
    """The response in what was stored; None where a crash tore it: the writes were not atomic."""
    try:
        entry = json.loads(text)["response"]
    except (ValueError, KeyError, TypeError):
        return None
    return entry if isinstance(entry, dict) else None


def _response(entry: Mapping[str, Any], seed: int) -> Response:
    logprobs = entry.get("logprobs")
    texts: dict[str, Any] = {name: entry.get(name) or "" for name in TEXTS}
    return Response(
        **texts,
        created=entry.get("created") or 0,
        usage=Usage.of(StatedUsage.of(entry)),
        logprobs=_logprobs(logprobs) if isinstance(logprobs, dict) else None,
        echo=bool(entry.get("echo")),
        seed=seed,
        completed_reasoning=entry.get("completed_reasoning"),
        cached=True,
    )


def _logprobs(given: Mapping[str, Any]) -> Logprobs:
    rows = [row or {} for row in given.get("top_logprobs") or []]
    return Logprobs(
        tokens=list(given.get("tokens") or []),
        token_logprobs=list(given.get("token_logprobs") or []),
        top_logprobs=rows,
        candidates=[[(None, text, value) for text, value in row.items()] for row in rows],
        text_offset=list(given.get("text_offset") or []),
        num_prompt_tokens=given.get("num_prompt_tokens") or 0,
    )
