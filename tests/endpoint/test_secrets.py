"""No secret of a client is shown or kept, whatever an endpoint echoes of it."""

from __future__ import annotations

import base64
import html
import json
import string
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from token_difr.endpoint.keys import secret_from
from token_difr.endpoint.secrets import Mask, Secret, mask_of
from token_difr.errors import InputError
from token_difr.services import open_client

KEY = "sk-Ab1/cD2+eF3_gH4-iJ5=="
KEYS = st.text(string.ascii_letters + string.digits + "-_./+=", min_size=16, max_size=80).filter(
    lambda key: any(c.isdigit() for c in key) and any(c.isalpha() for c in key) and not key.startswith("EMPTY")
)
SPELLINGS = {
    "whole": lambda key: key,
    "JSON": json.dumps,
    "HTML": html.escape,
    "URL": lambda key: quote(key, safe=""),
    "URL, lower case": lambda key: quote(key, safe="").replace("%2F", "%2f"),
    "hexadecimal": lambda key: key.encode().hex(),
    "base64": lambda key: base64.b64encode(key.encode()).decode(),
    "basic": lambda key: base64.b64encode(f"me:{key}".encode()).decode(),
    "base64 for URLs": lambda key: base64.urlsafe_b64encode(f"k={key}".encode()).decode(),
}


def parts(text: str, length: int) -> set[str]:
    """All of its parts of that length."""
    return {text[i : i + length] for i in range(len(text) - length + 1)}


@pytest.mark.parametrize("spelled", SPELLINGS.values(), ids=SPELLINGS)
@given(key=KEYS, around=st.sampled_from([("", ""), ("key=", "&x"), ("a", "b"), ("\u2192 ", "\n")]))
def test_no_spelling_of_a_key_is_left(spelled: Any, key: str, around: tuple[str, str]) -> None:
    """Neither in an error nor in an answer are there 12 characters in a row of what the key is spelled as."""
    echoed = around[0] + spelled(key) + around[1]
    mask = Mask([key])

    # Base64 characters at the two ends also depend on what stands beside the key.
    for shown in (mask.error(echoed), mask.answer(echoed)):
        assert "[key]" in shown
        assert not parts(spelled(key), 15) & parts(shown, 15)


@given(
    key=KEYS, left=st.integers(0, 15), right=st.integers(0, 15), elision=st.sampled_from(["...", "…", "****", "xxx"])
)
def test_parts_of_a_key_are_masked_in_errors(key: str, left: int, right: int, elision: str) -> None:
    """Its beginning and its end with the middle left out, as the errors of many services show it."""
    right_part = key[len(key) - right :]
    shown = Mask([key]).error(f"Incorrect API key provided: {key[:left]}{elision}{right_part}. See the docs")

    for part in (key[:left], right_part):
        assert len(part) < 3 or part not in shown.removeprefix("Incorrect API key provided: ").removesuffix(
            "See the docs"
        )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("wrong key sk-Ab1...5==", "wrong key [key]"),
        ("wrong key sk-****J5==", "wrong key [key]"),
        ("the key that ends in J5==", "the key that ends in J5=="),
        ("the key sk-Ab1/ is no more", "the key [key] is no more"),
        ("wait... and try again", "wait... and try again"),
        ("nothing of it", "nothing of it"),
    ],
)
def test_errors_stay_readable(text: str, shown: str) -> None:
    """Only what is a part of the secret is masked."""
    assert Mask([KEY]).error(text) == shown


@pytest.mark.parametrize("secret", ["test", "password", "Authorization", "DEMO", "a1b2", "gpt4o"])
def test_answers_keep_words(secret: str) -> None:
    """A secret that anybody may write is not taken out of what a model wrote: the answer is scored."""
    body = {"choices": [{"message": {"content": f"my {secret} is {secret}"}, "token_ids": [1]}]}
    assert Mask([secret]).answer(body) == body


@pytest.mark.parametrize("secret", ["hunter2", "secret-key", "abcDEF", "tok_en", "A" * 16])
def test_secrets_that_are_no_words(secret: str) -> None:
    """They are taken out of answers in whole."""
    assert Mask([secret]).answer({"debug": f"x {secret}."}) == {"debug": "x [key]."}


def test_answers_keep_nothing_that_spells_the_key() -> None:
    """In values and names; token ids and logprobs beside a masked text are left out, and others kept."""
    logprobs = {"content": [{"token": part} for part in KEY]}
    body = {
        "choices": [
            {
                "message": {"content": f"it is {KEY}!"},
                "token_ids": [1, 2],
                "logprobs": logprobs,
                "finish_reason": "stop",
            },
            {"message": {"content": "fine"}, "token_ids": [3], "logprobs": None},
        ],
        "debug": {KEY: [f"Bearer {KEY}"]},
    }
    assert Mask([KEY]).answer(body) == {
        "choices": [
            {"message": {"content": "it is [key]!"}, "finish_reason": "stop"},
            {"message": {"content": "fine"}, "token_ids": [3], "logprobs": None},
        ],
        "debug": {"[key]": ["Bearer [key]"]},
    }


@pytest.mark.parametrize(
    ("headers", "kept"),
    [
        ({"Authorization": "Basic dXNlcjpwYXNzd29yZDEy"}, "dXNlcjpwYXNzd29yZDEy"),
        ({"Cookie": "session=abc123def456; lang=en"}, "abc123def456"),
        ({"X-Any": "pc-abc123-def"}, "pc-abc123-def"),
        ({"X-Any": Secret("only words")}, "only words"),
        ({"X-Any": "iY/plU-ghlZrCc2F"}, "iY/plU-ghlZrCc2F"),
        ({"X-Any": "AbCdEfGhIjKlMnOp"}, "AbCdEfGhIjKlMnOp"),
        ({"X-Any": "https://host/?token=abcdefgh"}, "https://host/?token=abcdefgh"),
        ({}, "pass12345word"),
    ],
)
def test_what_a_client_holds_is_masked(headers: dict[str, str], kept: str) -> None:
    """Headers that prove who asks, those that look so, those that were given as secrets, and a URL's user-info."""
    client = open_client("http://user:pass12345word@host", headers=headers)
    assert mask_of(client).error(f"you sent {kept}") == "you sent [key]"


@pytest.mark.parametrize(
    "headers",
    [
        {"Accept-Language": "en"},
        {"X-Form": "application/json"},
        {"HTTP-Referer": "https://example.com/a1"},
        {"X-Title": "an audit of models"},
        {"X-Date": "2026-01-01"},
    ],
)
def test_other_headers_are_no_secrets(headers: dict[str, str]) -> None:
    """Else errors that speak of them could not be read."""
    (value,) = headers.values()
    assert mask_of(open_client("http://host", headers=headers)).error(f"you sent {value}") == f"you sent {value}"


def test_repr_of_a_secret() -> None:
    """A header's value in a traceback's variables or a log."""
    assert repr({"X-Any": Secret("only words")}) == "{'X-Any': '[key]'}"


@given(key=KEYS)
def test_a_key_in_the_place_of_a_variables_name(key: str) -> None:
    """It is not shown."""
    with pytest.raises(InputError) as caught:
        secret_from(key, "the key")
    assert key not in str(caught.value)


@pytest.mark.parametrize("name", ["MY_KEY", "OPENROUTER_API_KEY", "KEY", "HUGGINGFACEHUB_API_TOKEN", "KEY_2"])
def test_names_of_variables_are_shown(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a mistyped one is seen."""
    monkeypatch.delenv(name, raising=False)
    with pytest.raises(InputError, match=f"{name}, which should hold the key, is not set"):
        secret_from(name, "the key")


@pytest.mark.parametrize(
    "key", ["sk-abcdef", "sk_live_51Habc", "AKIAIOSFODNN7EXAMPLE", "hf_abcdef", "f00ba4", "my_key"]
)
def test_what_looks_like_a_key_is_not(key: str) -> None:
    """Also where it could be a name; the message says what to do."""
    with pytest.raises(InputError, match="give that one's name, such as MY_KEY") as caught:
        secret_from(key, "the key")
    assert key not in str(caught.value)
