"""Reading a campaign's TOML file into its record. Everything that can be wrong with it is said before anybody is asked."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import Any, Literal, cast

from token_difr.campaign.toml_table import TomlTable
from token_difr.endpoint import public_url
from token_difr.errors import InputError
from token_difr.records import Campaign, CampaignProvider, CampaignReference, Price, SamplingParams
from token_difr.reference import local_model
from token_difr.reference.dialects import DIALECTS
from token_difr.services import service_profiles
from token_difr.ties.asking import Way
from token_difr.untrusted import printable

__all__ = ["read_campaign"]

NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?")
"""Of a provider: its run directories are called so, on any file system."""

RESERVED = (".json", ".toml")
"""Endings of the other files in a date's folder."""

ROLES = ("candidate", "baseline")
LEAST_LEVEL = 0.001
LEVEL, CONCURRENCY, OF_ONE, MAX_TOKENS, TOPK = 0.01, 32, 4, 200, 20


def read_campaign(path: str | os.PathLike[str], *, full: bool = False, stored: bool = False) -> Campaign:
    """What a campaign's file says.

    Args:
        path: The file.
        full: Whole answers, whatever the file says.
        stored: It is a copy in a campaign's folder: files that it names need not be there.

    Raises:
        InputError: It cannot be read, or something in it is wrong: names file, table and key.
    """
    file = Path(path)
    document = _document(file)
    tables = TomlTable(file, "the file", document, stored=stored)
    campaign, providers = tables.table("campaign"), _providers(file, document)
    if campaign is None:
        raise tables.error("[campaign]", "is missing")
    unknown = sorted(document.keys() - {"campaign", "provider"})
    if unknown:
        raise tables.error(
            f"[{printable(unknown[0], longest=60)}]", "is not known; known are [campaign] and [[provider]]"
        )
    read = _campaign(file, campaign.named("[campaign]"), providers, full=full)
    if not stored:
        _check_asked(campaign.named("[campaign]"), read)
    return read


def _document(file: Path) -> dict[str, Any]:
    shown = printable(str(file), longest=300)
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot read the campaign {shown}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"{shown} is no TOML: {printable(str(error), longest=200)}") from error


def _campaign(file: Path, table: TomlTable, providers: list[TomlTable], *, full: bool) -> Campaign:
    model = table.needed("model")
    level = table.number("level")
    whole = table.flag("full") or full
    reference = table.table("reference")
    sampling = table.table("sampling")
    read = Campaign(
        path=file,
        model=model,
        tokenizer=table.text("tokenizer"),
        ties=table.existing_file("ties"),
        way=table.one_of("by", tuple(Way)),
        extra_tokens=table.whole("extra_tokens", 0, least=0),
        full=whole,
        prompts=table.existing_file("prompts"),
        reference=None if reference is None else _reference(reference, model),
        sampling=SamplingParams() if sampling is None else _sampling(sampling),
        max_tokens=table.whole("max_tokens", MAX_TOKENS, least=1),
        level=LEVEL if level is None else level,
        budget=table.number("budget"),
        concurrency=table.whole("concurrency", CONCURRENCY, least=1),
        providers=tuple(_provider(each, model) for each in providers),
    )
    table.finish()
    _check_whole(table, read)
    return read


def _check_whole(table: TomlTable, read: Campaign) -> None:
    """What no key is wrong by alone."""
    if not LEAST_LEVEL <= read.level < 0.5:
        raise table.error("level", f"must lie in [{LEAST_LEVEL:g}, 0.5), not {read.level!r}")
    seen = dict[str, str]()
    for provider in read.providers:
        other = seen.setdefault(provider.name.casefold(), provider.name)
        if other is not provider.name or sum(each.name == provider.name for each in read.providers) > 1:
            raise table.error("[[provider]]", f"name {provider.name!r} is given twice; case does not tell names apart")
    if not read.baselines:
        raise table.error("[[provider]]", 'role = "baseline" is missing: somebody must be trusted')
    if read.budget is not None:
        for provider in read.providers:
            if provider.price is None:
                raise table.error("budget", f"needs the price of every provider; {provider.name!r} has none")


def _check_asked(table: TomlTable, read: Campaign) -> None:
    """Whether there is something to ask."""
    for key in ("prompts", "reference") if read.full else ("ties",):
        if getattr(read, key) is None:
            what = "whole answers are to be audited" if read.full else "near ties are asked unless full = true"
            raise table.error(key, f"is missing: {what}")


def _providers(file: Path, document: dict[str, Any]) -> list[TomlTable]:
    given = document.get("provider")
    if not isinstance(given, list) or not all(isinstance(each, dict) for each in given) or not given:
        raise InputError(f"{printable(str(file), longest=300)}: [[provider]] is missing: a table for each provider")
    return [
        TomlTable(file, f"[[provider]] number {number} ({_shown_name(values)})", values)
        for number, values in enumerate(given, 1)
    ]


def _shown_name(values: dict[str, Any]) -> str:
    name = values.get("name")
    return printable(name, longest=60) if isinstance(name, str) and name else "without a name"


def _provider(table: TomlTable, model: str) -> CampaignProvider:
    name = table.needed("name")
    if not NAME.fullmatch(name) or name.lower().endswith(RESERVED):
        raise table.error("name", "must be of letters, digits, '.', '_' and '-', as folders are called, and no file's")
    price = table.table("price")
    read = CampaignProvider(
        name=name,
        url=_url(table, "url"),
        model=table.text("model") or model,
        key_variable=table.variable("key_variable"),
        service=table.one_of("service", tuple(service_profiles())),
        only=table.text("only"),
        price=None if price is None else _price(price),
        role=cast("Literal['candidate', 'baseline']", table.one_of("role", ROLES, ROLES[0])),
        concurrency=table.whole("concurrency", OF_ONE, least=1),
    )
    table.finish()
    return read


def _url(table: TomlTable, key: str) -> str:
    """A base URL, as it may be stored and shown."""
    given = table.needed(key)
    try:
        return public_url(given)
    except InputError as error:
        raise table.error(key, f"is no base URL: {error}") from error


def _price(table: TomlTable) -> Price:
    values = {key: table.number(key) for key in ("input", "output")}
    table.finish()
    for key, value in values.items():
        if value is None:
            raise table.error(key, "is missing: in dollars for a million tokens")
    return Price(input=values["input"] or 0.0, output=values["output"] or 0.0)


def _reference(table: TomlTable, model: str) -> CampaignReference:
    given = table.needed("url")
    path = given if table.stored else local_model(given)
    read = CampaignReference(
        url=_url(table, "url") if path is None else str(path),
        model=table.text("model") or model,
        dialect=table.one_of("dialect", tuple(DIALECTS)) or "vllm",
        key_variable=table.variable("key_variable"),
        topk_logprobs=table.whole("topk_logprobs", TOPK, least=1),
    )
    table.finish()
    return read


def _sampling(table: TomlTable) -> SamplingParams:
    values: dict[str, Any] = {key: table.number(key) for key in ("temperature", "top_p", "min_p")}
    values["top_k"] = table.whole("top_k", 0, least=0)
    table.finish()
    try:
        return SamplingParams(**{key: value for key, value in values.items() if value is not None})
    except InputError as error:
        raise table.error(*str(error).split(" ", 1)) from error  # its first word is the parameter
