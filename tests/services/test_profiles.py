"""The table of services: whose key a host gets, and which fields a request may have."""

from __future__ import annotations

import dataclasses
import tomllib
from importlib import resources
from urllib.parse import urlsplit

import pytest

from token_difr.errors import InputError
from token_difr.services import ServiceProfile, profile_named, profile_of, service_profiles


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://openrouter.ai/api/v1", "openrouter"),
        ("https://api.fireworks.ai/inference/v1", "fireworks"),
        ("https://api.together.ai/v1", "together"),
        ("http://127.0.0.1:8000", "vllm"),
        ("http://[::1]:8000/v1", "vllm"),
        ("http://localhost/v1", "vllm"),
        ("https://openrouter.ai.example.com/v1", "other"),
        ("https://example.com/openrouter.ai", "other"),
        ("not a url", "other"),
    ],
)
def test_a_service_is_told_by_its_whole_host(url: str, name: str) -> None:
    """A host that merely holds a service's name is another host, and gets no key of it."""
    assert profile_of(url).name == name


def test_table_is_consistent() -> None:
    """Services with an address are recognized by it and have a key; those without are run by people themselves."""
    for profile in service_profiles().values():
        if profile.url is None:
            assert profile.key_variable is None
        else:
            assert urlsplit(profile.url).hostname in profile.hosts
            assert profile.key_variable is not None
        assert profile.completions in {"ids", "text", ""}
        assert not profile.takes & set(profile.neutral)


def test_every_entry_of_the_table_is_read() -> None:
    """A misspelled key, or a form that nobody knows, would be a silent nothing."""
    tables = tomllib.loads((resources.files("token_difr.services") / "services.toml").read_text("utf-8"))
    read = {"key" if each.name == "key_variable" else each.name for each in dataclasses.fields(ServiceProfile)}
    for name, table in tables.items():
        assert set(table) <= read, name
    for profile in service_profiles().values():
        assert {profile.logprobs_form, profile.completions_logprobs_form} <= {"flag", "pair", "number", "positive"}


def test_accepts_neutral_and_further_fields() -> None:
    """What may be said in a request is what is neutral and what the table adds."""
    profile = profile_named("openrouter")
    assert profile.accepts("provider")
    assert profile.accepts("repetition_penalty")
    assert not profile.accepts("chat_template_kwargs")


def test_unknown_name() -> None:
    """An unknown service is refused with the known ones."""
    with pytest.raises(InputError, match=r"'openruter'; known are openrouter, fireworks"):
        profile_named("openruter")
