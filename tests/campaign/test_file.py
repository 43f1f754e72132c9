"""A campaign's file: what it says, and every way in which it can be wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from token_difr.campaign import read_campaign
from token_difr.errors import InputError
from token_difr.records import Price

CAMPAIGN = """
[campaign]
model = "m"
ties = "ties.json"
"""
PROVIDER = """
[[provider]]
name = "trusted"
url = "http://127.0.0.1:1"
role = "baseline"
"""
SECRET = "sk-very-secret-0123"


def written(folder: Path, text: str) -> Path:
    """A campaign's file beside a file of ties and one of prompts."""
    for name in ("ties.json", "prompts.jsonl"):
        (folder / name).touch()
    file = folder / "c.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_what_is_not_stated_has_a_default(tmp_path: Path) -> None:
    """The shortest file: ties of one trusted provider."""
    read = read_campaign(written(tmp_path, CAMPAIGN + PROVIDER))

    assert (read.full, read.level, read.budget, read.way, read.extra_tokens) == (False, 0.01, None, None, 0)
    assert read.ties == tmp_path / "ties.json"
    (provider,) = read.providers
    assert (provider.model, provider.url, provider.price) == ("m", "http://127.0.0.1:1/v1", None)
    assert read.baselines == read.providers
    assert read.candidates == ()


def test_all_that_can_be_stated(tmp_path: Path) -> None:
    """Every key of every table."""
    text = """
    [campaign]
    model = "m"
    tokenizer = "t"
    ties = "ties.json"
    by = "chat"
    extra_tokens = 2
    full = true
    prompts = "prompts.jsonl"
    max_tokens = 7
    level = 0.05
    budget = 3
    concurrency = 9
    [campaign.sampling]
    temperature = 1
    top_k = 5
    top_p = 0.9
    min_p = 0.1
    [campaign.reference]
    url = "http://127.0.0.1:2"
    model = "r"
    dialect = "sglang"
    key_variable = "REFERENCE_KEY"
    topk_logprobs = 5
    [[provider]]
    name = "a.b-C_1"
    url = "https://example.org/v1"
    model = "theirs"
    key_variable = "A_KEY"
    service = "together"
    only = "x"
    role = "baseline"
    concurrency = 3
    price = { input = 1, output = 2.5 }
    """
    read = read_campaign(written(tmp_path, text))

    assert read.full
    assert read.reference is not None
    assert read.reference.dialect == "sglang"
    assert (read.sampling.temperature, read.sampling.top_k) == (1.0, 5)
    assert read.providers[0].price == Price(input=1.0, output=2.5)
    assert (read.budget, read.concurrency, read.level) == (3.0, 9, 0.05)
    assert (read.providers[0].key_variable, read.providers[0].only, read.providers[0].concurrency) == ("A_KEY", "x", 3)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[campaign", "no TOML"),
        ("", "[[provider]] is missing"),
        (PROVIDER, "[campaign] is missing"),
        (CAMPAIGN, "[[provider]] is missing"),
        ("provider = 1" + CAMPAIGN, "[[provider]] is missing"),
        (CAMPAIGN + PROVIDER + "[other]\n", "[other] is not known"),
        (CAMPAIGN.replace('model = "m"', "model = 1") + PROVIDER, "[campaign]: model must be text, not a whole number"),
        (CAMPAIGN.replace('model = "m"', "") + PROVIDER, "[campaign]: model is missing"),
        (CAMPAIGN.replace("ties.json", "none.json") + PROVIDER, "none.json, which is no file"),
        (CAMPAIGN.replace("ties =", "tie =") + PROVIDER, "[campaign]: tie is not known; known keys are"),
        ('[campaign]\nmodel = "m"' + PROVIDER, "[campaign]: ties is missing"),
        (CAMPAIGN + "full = true" + PROVIDER, "[campaign]: prompts is missing"),
        (CAMPAIGN + "level = 0.9" + PROVIDER, "[campaign]: level must lie in"),
        (CAMPAIGN + "level = 1e-9" + PROVIDER, "[campaign]: level must lie in"),
        (CAMPAIGN + "level = nan" + PROVIDER, "[campaign]: level must be a finite number"),
        (CAMPAIGN + "level = true" + PROVIDER, "[campaign]: level must be a number, not true or false"),
        (CAMPAIGN + "concurrency = 0" + PROVIDER, "[campaign]: concurrency must be at least 1"),
        (CAMPAIGN + 'by = "post"' + PROVIDER, "[campaign]: by must be one of ids, text, chat"),
        (CAMPAIGN + "budget = 1" + PROVIDER, "budget needs the price of every provider; 'trusted' has none"),
        (CAMPAIGN + "[campaign.sampling]\ntop_p = 2" + PROVIDER, "[campaign.sampling]: top_p must lie in"),
        (CAMPAIGN + "[campaign.sampling]\nseed = 2" + PROVIDER, "[campaign.sampling]: seed is not known"),
        (CAMPAIGN + "[campaign.reference]\nmodel = 'x'" + PROVIDER, "[campaign.reference]: url is missing"),
        (CAMPAIGN + PROVIDER.replace('"baseline"', '"boss"'), "number 1 (trusted): role must be one of"),
        (CAMPAIGN + PROVIDER.replace('role = "baseline"', ""), 'role = "baseline" is missing'),
        (CAMPAIGN + PROVIDER + PROVIDER, "name 'trusted' is given twice"),
        (CAMPAIGN + PROVIDER + PROVIDER.replace('"trusted"', '"Trusted"'), "name 'Trusted' is given twice"),
        (CAMPAIGN + PROVIDER.replace('"trusted"', '"../x"'), "number 1 (../x): name must be of letters"),
        (CAMPAIGN + PROVIDER.replace('"trusted"', '"campaign.toml"'), "name must be of letters"),
        (CAMPAIGN + PROVIDER.replace("http://127.0.0.1:1", "ftp://x"), "number 1 (trusted): url is no base URL"),
        (CAMPAIGN + PROVIDER + "service = 'none'", "number 1 (trusted): service must be one of"),
        (CAMPAIGN + PROVIDER + "price = 3", "number 1 (trusted): price must be a table"),
        (CAMPAIGN + PROVIDER + "price = { input = 1 }", "price: output is missing"),
        (CAMPAIGN + PROVIDER + "price = { input = -1, output = 1 }", "price: input must be a finite number"),
        (CAMPAIGN + PROVIDER + "keys = []", "number 1 (trusted): keys is not known"),
        (CAMPAIGN + PROVIDER + "model = []", "number 1 (trusted): model must be text, not a list"),
        (CAMPAIGN + PROVIDER + "only = 2026-01-01", "only must be text, not a date or a time"),
        (CAMPAIGN + PROVIDER + 'only = "a\\nb"', "only must be text on one line"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, words: str) -> None:
    """By file, table and key."""
    file = written(tmp_path, text)
    with pytest.raises(InputError) as error:
        read_campaign(file)
    assert words in str(error.value)
    assert str(file) in str(error.value)


@pytest.mark.parametrize(
    "wrong", [f'key_variable = "{SECRET}"', f'key = "{SECRET}"', f'service = 1\nmodel = "{SECRET}"']
)
def test_no_message_shows_a_key(tmp_path: Path, wrong: str) -> None:
    """Where the name of its variable belongs, or under any other name."""
    with pytest.raises(InputError) as error:
        read_campaign(written(tmp_path, CAMPAIGN + PROVIDER + wrong))
    assert SECRET not in str(error.value)


def test_a_copy_is_read_without_what_it_names(tmp_path: Path) -> None:
    """Ties, prompts and the reference's folder may be gone, or may have been chosen on the command line."""
    file = tmp_path / "copy.toml"
    reference = '[campaign.reference]\nurl = "models/none"\n'
    file.write_text('[campaign]\nmodel = "m"\nprompts = "gone.jsonl"\n' + reference + PROVIDER, encoding="utf-8")
    assert read_campaign(file, stored=True).prompts == tmp_path / "gone.jsonl"
    with pytest.raises(InputError, match=r"gone\.jsonl, which is no file"):
        read_campaign(file, full=True)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """Is named."""
    with pytest.raises(InputError, match="cannot read the campaign"):
        read_campaign(tmp_path / "none.toml")
