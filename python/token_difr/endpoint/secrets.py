"""The one mask of secrets: keys and header values, in whole and in part, spelled in any of the usual ways.

What an endpoint writes may hold what it was sent: an error quotes the key, a debug field the headers. An *error* is for
reading: whatever may be a part of a secret is masked. An *answer* is scored, so that only what cannot be chance is:
secrets of ``SHORTEST`` characters that are no word, and ``PART`` characters in a row of them.
"""

from __future__ import annotations

import base64
import functools
import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

if TYPE_CHECKING:
    from openai import AsyncOpenAI

__all__ = ["MASK", "NO_KEY", "SECRET_HEADER", "Mask", "Secret", "mask_of"]

NO_KEY = "EMPTY"
"""What servers without keys (vLLM, our own) are sent; the SDK refuses an empty one."""

MASK = "[key]"
"""Stands where a secret stood."""

SHORTEST = 6
"""Characters of a secret that is masked in answers; a shorter one may be any word."""

LONGEST_WORD = 15
"""Letters of a secret that may be a word."""

PART = 12
"""Characters in a row of a secret that are masked in answers."""

ERROR_PART = 5
"""The same in errors."""

FEWEST = 4
"""Characters of a secret, or of its beginning or end as a word of its own, that are masked in errors."""

LONGEST_ERROR = 20_000
"""Characters of an error that are looked at; the rest is cut off."""

MOST_CAUSES = 10
"""Causes of an error that are cleaned; there are three at most."""

ELISION = re.compile(r"\*{2,}|\.{2,}|\u2026+|[\u2022\u25cf\u00b7]{2,}|[xX]{3,}|#{2,}|_{3,}|-{3,}")
"""What stands for the middle of a key: ``sk-abc...xyz``."""

WORD = re.compile(r"[A-Za-z0-9_\-]{4,}")

SECRET_HEADER = re.compile("auth|key|token|secret|cookie", re.IGNORECASE)
"""Names of headers that prove who asks; they do not change an answer."""

_WORD = r"([A-Z]?[a-z]{1,15}|[A-Z]{1,8})"
PLAIN_VALUE = re.compile(
    r"https?://[^\s?#@]+|(application|audio|image|multipart|text|video)/[a-z.+*-]+|[\d.:-]{1,10}"
    rf"|{_WORD}([ ,.'_-]+{_WORD})*"
)
"""Values of other headers that are none: a URL, a media type, words, a number or a date."""

OWN_HEADERS = frozenset({"accept", "content-type", "user-agent", "openai-organization", "openai-project"})
"""Headers of the SDK itself, beside ``x-stainless-*``."""


class Secret(str):
    """A header's value that is a secret whatever it looks like; its ``repr`` does not show it."""

    __slots__ = ()

    def __repr__(self) -> str:
        return repr(MASK)


class Mask:
    """Takes secrets out of texts.

    Args:
        secrets: Those of one client, as they are sent.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets = sorted({secret for secret in secrets if len(secret) >= FEWEST}, key=len, reverse=True)
        forms = {secret: _forms(secret) for secret in self._secrets}
        self._grams = _grams({*chain(*forms.values())}, PART)
        self._short_grams = _grams(self._secrets, ERROR_PART)
        self._sure_grams = _grams({*chain(*(forms[secret] for secret in self._secrets if _is_telling(secret)))}, PART)

    def error(self, text: str) -> str:
        """An endpoint's message, at most ``LONGEST_ERROR`` characters of it, without any part of a secret."""
        if not self._secrets:
            return text
        text = text[:LONGEST_ERROR]
        covered = [*_runs(text, self._grams), *_runs(text, self._short_grams)]
        for secret in self._secrets:
            covered += _elided(text, secret)
            words = ((match[0], match.span()) for match in WORD.finditer(text))
            covered += [span for word, span in words if secret.startswith(word) or secret.endswith(word)]
        return _covered(text, covered)

    def answer(self, value: Any) -> Any:
        """A JSON value without the secrets, names of fields among it; the very same value where it holds none.

        Token ids and logprobs spell what a text says: they are left out beside a text that was masked.
        """
        if not self._sure_grams:
            return value
        if isinstance(value, str):
            return _covered(value, _runs(value, self._sure_grams))
        if isinstance(value, list):
            return [self.answer(item) for item in value]
        if isinstance(value, dict):
            return self._object(value)
        return value

    def clean(self, error: BaseException) -> None:
        """Take secrets out of what an error and its causes say: tracebacks show all of them."""
        causes = [error]
        while causes[-1].__cause__ is not None and len(causes) < MOST_CAUSES:
            causes.append(causes[-1].__cause__)
        for cause in causes:
            cause.args = tuple(self.error(each) if isinstance(each, str) else each for each in cause.args)

    def _object(self, value: Mapping[str, Any]) -> dict[str, Any]:
        masked = {self.answer(name): self.answer(item) for name, item in value.items()}
        texts = [masked.get(name) != value.get(name) for name in ("message", "text", "delta")]
        return {name: item for name, item in masked.items() if not (any(texts) and name in {"token_ids", "logprobs"})}


def mask_of(client: AsyncOpenAI) -> Mask:
    """That of a client's key, of the headers it was given, and of the user-info in its URL."""
    headers = {name: value for name, value in client.default_headers.items() if isinstance(value, str)}
    return _mask(tuple(secrets_in(client.api_key, headers, client.base_url.userinfo.decode("ascii", "replace"))))


@functools.lru_cache(maxsize=32)
def _mask(secrets: tuple[str, ...]) -> Mask:
    return Mask(secrets)


def secrets_in(api_key: str | None, headers: Mapping[str, str], user_info: str) -> Iterator[str]:
    """What must not be shown: a key, the values of headers and what they are made of, a URL's user and password."""
    values = [api_key or "", unquote(user_info), unquote(user_info.partition(":")[2])]
    for name, value in headers.items():
        own = name.lower() in OWN_HEADERS or name.lower().startswith("x-stainless-")
        if isinstance(value, Secret) or SECRET_HEADER.search(name):
            values += [value, *re.split(r"[\s;,=]+", value)]
        elif not own and not PLAIN_VALUE.fullmatch(value):
            values.append(value)
    for value in values:
        bare = value.strip().removeprefix("Bearer ").removeprefix("Basic ")
        if bare not in {"", "Bearer", "Basic", NO_KEY}:
            yield str(bare)


def _is_telling(secret: str) -> bool:
    """Whether a text that holds the secret holds it by no chance; a word of one case may be anybody's."""
    one_case = secret.islower() or secret.isupper() or secret.istitle()
    plain_word = len(secret) <= LONGEST_WORD and secret.isalpha() and one_case
    return len(secret) >= SHORTEST and not plain_word


def _forms(secret: str) -> set[str]:
    """The spellings of a secret: as it is, in JSON, in HTML, in URLs, in base64 and in hexadecimal digits."""
    data = secret.encode()
    percent, every = quote(secret, safe=""), "".join(f"%{byte:02x}" for byte in data)
    forms = {
        secret,
        json.dumps(secret)[1:-1],
        html.escape(secret),
        data.hex(),
        data.hex().upper(),
        every,
        every.upper(),
    }
    forms |= {percent, re.sub("%..", lambda match: match[0].lower(), percent)}
    for offset in range(3):  # where a secret stands in a longer text decides which of three spellings it has
        # Characters that also depend on what stands before or after are left off.
        coded = base64.b64encode(bytes(offset) + data).rstrip(b"=").decode()
        core = coded[(0, 2, 3)[offset] : len(coded) - (1 if (len(data) + offset) % 3 else 0)]
        forms |= {core, core.replace("+", "-").replace("/", "_")}
    return {form for form in forms if len(form) >= FEWEST}


Grams = dict[int, frozenset[str]]
"""Length -> texts of that length."""


def _grams(forms: Iterable[str], length: int) -> Grams:
    """The parts of that length of every form; a shorter form is its only part."""
    found: dict[int, set[str]] = {}
    for form in forms:
        size = min(length, len(form))
        found.setdefault(size, set()).update(form[i : i + size] for i in range(len(form) - size + 1))
    return {size: frozenset(grams) for size, grams in found.items()}


Spans = list[tuple[int, int]]


def _runs(text: str, grams: Grams) -> Spans:
    return [
        (start, start + size)
        for size, known in grams.items()
        for start in range(len(text) - size + 1)
        if text[start : start + size] in known
    ]


def _elided(text: str, secret: str) -> Spans:
    """Where the middle of the secret is left out between its beginning and its end, or beside one of them."""
    spans = []
    for match in ELISION.finditer(text):
        before, after = text[max(match.start() - len(secret), 0) : match.start()], text[match.end() :]
        left = next((n for n in range(len(secret), 0, -1) if before.endswith(secret[:n])), 0)
        right = next((n for n in range(len(secret), 0, -1) if after.startswith(secret[-n:])), 0)
        if max(left, right) > 2 or min(left, right) > 0:
            spans.append((match.start() - left, match.end() + right))
    return spans


def _covered(text: str, spans: Spans) -> str:
    """``text`` with one mask for all spans that touch."""
    parts, end, masked = [], 0, False
    for start, stop in sorted(spans):
        if start > end or not masked:
            parts += [text[end:start], MASK]
        masked, end = True, max(end, stop)
    return "".join(parts) + text[end:]
