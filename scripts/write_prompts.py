"""Write ``python/token_difr/answers/further_prompts.jsonl``: what ``construct_prompts`` gives where many prompts are asked for.

    python scripts/write_prompts.py > python/token_difr/answers/further_prompts.jsonl

The words are those of ``prompt_words/``, written for this project, and what CPython ships: functions of its library,
exceptions, HTTP statuses, error numbers, names of characters, codecs, and numbers from a seeded generator. Kinds of prompts
take turns, so that the first thousand are as varied as all. The same words give the same file on one version of CPython; the
file that was written by 3.11 ships, and is not made anew at build time.
"""

from __future__ import annotations

import calendar
import csv
import errno
import importlib
import inspect
import io
import itertools
import json
import os
import random
import sys
import tomllib
import unicodedata
from collections.abc import Callable, Iterator
from http import HTTPStatus
from pathlib import Path

__all__ = ["further_prompts"]

WORDS = Path(__file__).parent / "prompt_words"
SEED = 20251128
MOST_CHARACTERS = 1200
"""No prompt is longer, so that nearly all fit the 512 tokens that ``construct_prompts`` allows unless told otherwise."""

FUNCTIONS = (
    "Show two everyday uses of Python's {0}, each in at most five lines.",
    "What does {0} do in Python, and what does it raise when it is misused?",
    "I reached for {0} in Python. When is there a simpler way?",
    "Write three tests that pin down the behavior of Python's {0}.",
    "Explain {0} to somebody who knows Java but no Python.",
    "Implement something like Python's {0} yourself, without using it.",
)
EXCEPTIONS = (
    "My Python script dies with {0}. Which causes should I check first, and in which order?",
    "Write the smallest Python program that raises {0}, and then handle it properly.",
    "Should a Python library let {0} reach its callers? Discuss.",
)
STATUSES = (
    "A client keeps receiving HTTP {0}. What may be wrong on either side?",
    "Explain HTTP {0} with a story about a restaurant.",
    "When should an API answer with HTTP {0} and not with a neighboring status?",
)
ERRORS = (
    'A program on Linux says "{1}" ({0}). What happened, and how do I find out more?',
    'Write a friendly message for users in place of "{1}" ({0}).',
)
CHARACTERS = (
    'What is the character {0} ("{1}") used for, and how do I type it?',
    "In which scripts or notations does one meet {0} ({1})? Give an example.",
    "Tell a short story in which the character {0} ({1}) is the main clue.",
)
SUMS = (
    "What is {0} times {1}? Show the steps.",
    "A shop lowers a price of {0} euros by {1} percent, and a week later by another {1} percent. What is the price then?",
    "Divide {0} by {1} with remainder, and check the result.",
    "Write {0} in binary, in hexadecimal and in Roman numerals.",
    "Find the prime factors of {0}.",
    "Two trains are {0} kilometers apart and approach each other at {1} and {2} kilometers an hour. When do they meet?",
    "What is the probability of at least one six in {2} throws of a die? Compare it with that of {1} throws.",
    "A tank holds {0} liters. One pump fills {1} liters an hour while a leak loses {2}. How long until it is full?",
    "How many days are there from day {1} of the year 2024 to day {2} of the year 2025?",
    "Estimate the square root of {0} without a calculator, to two decimals.",
)
TABLES = (
    "Here is a table in CSV:\n\n{0}\nWhich row stands out, and why?",
    "Turn this CSV into a JSON list of objects:\n\n{0}",
    "Write an SQL query over this table that gives the total per city:\n\n{0}",
    "Summarize this table in two sentences for a busy manager:\n\n{0}",
    "Sort these rows by amount, largest first, and add a column with the running total:\n\n{0}",
)
LOGS = (
    "What went wrong here, and what would you check next?\n\n{0}",
    "Write a regular expression that takes time, level and message out of these lines:\n\n{0}",
    "Count the entries by level:\n\n{0}",
)
BROKEN_TEXTS = (
    "A file shows {0} where somebody had typed a text with accents. Which encodings were mixed up, and what was the text?",
    "Write a Python snippet that repairs {0}, and say when such a repair is impossible.",
)
FIRST_ANSWERS = (
    "Behind {0} there are a few simple ideas that take some time to get used to.",
    "There are two sides to {0}: what we observe, and how we explain it.",
    "Most people meet {0} long before they know the name for it.",
)

Words = dict[str, list[str]]
Kind = Callable[[Words, random.Random], Iterator[str] | Iterator[list[str]]]


def further_prompts() -> list[list[dict[str, str]]]:
    """All conversations, each once, the kinds taking turns."""
    rng = random.Random(SEED)
    english = _words("english.toml")
    kinds: list[Kind] = [
        *(_topics, _other_languages, _library, _troubles, _characters, _sums, _tables, _stories, _advice, _edits),
        *(_programs, _broken_texts, _comparisons, _conversations),
    ]
    texts = [_shuffled(kind(english, rng), rng) for kind in kinds]
    seen, chosen = set[str](), []
    for prompt in _in_turns(texts):
        key = " ".join(message["content"] for message in prompt).casefold()
        if key not in seen and len(key) <= MOST_CHARACTERS:
            seen.add(key)
            chosen.append(prompt)
    return chosen


def _words(name: str) -> Words:
    tables = tomllib.loads((WORDS / name).read_text(encoding="utf-8"))
    return {key: [" ".join(each.split()) for each in value.split(";")] for key, value in tables.items()}


def _in_turns(texts: list[Iterator[list[dict[str, str]]]]) -> Iterator[list[dict[str, str]]]:
    for row in itertools.zip_longest(*texts):
        yield from (prompt for prompt in row if prompt is not None)


def _shuffled(texts: Iterator[str] | Iterator[list[str]], rng: random.Random) -> Iterator[list[dict[str, str]]]:
    """Conversations of texts: a list of them is one in which user and assistant take turns."""
    listed: list[str | list[str]] = list(texts)
    rng.shuffle(listed)
    for text in listed:
        turns = [text] if isinstance(text, str) else text
        roles = itertools.cycle(["user", "assistant"])
        yield [{"role": role, "content": content} for role, content in zip(roles, turns, strict=False)]


def _each(forms: list[str] | tuple[str, ...], items: list[str], times: int) -> Iterator[tuple[str, str]]:
    """Every item in ``times`` forms, no two neighbors in the same ones."""
    for index, item in enumerate(items):
        for turn in range(times):
            yield forms[(index * times + turn) % len(forms)], item


def _capitalized(text: str) -> str:
    return text[0].upper() + text[1:]


def _topics(words: Words, rng: random.Random) -> Iterator[str]:
    for form, topic in _each(words["explain"], words["topics"], 3):
        yield form.format(topic=topic, audience=rng.choice(words["audiences"]))


def _other_languages(_english: Words, _rng: random.Random) -> Iterator[str]:
    tables = tomllib.loads((WORDS / "languages.toml").read_text(encoding="utf-8"))
    for table in tables.values():
        forms, topics = (" ".join(table[key].split()).split("; ") for key in ("forms", "topics"))
        for form, topic in _each(forms, topics, 2):
            yield _capitalized(form.format(x=topic))


def _library(english: Words, rng: random.Random) -> Iterator[str]:
    names = []
    for module in english["modules"]:
        public = [
            f"{module}.{name}"
            for name, value in vars(importlib.import_module(module)).items()
            if not name.startswith("_") and getattr(value, "__module__", module) == module
            if (inspect.isroutine(value) or inspect.isclass(value)) and inspect.getdoc(value)
        ]
        names += rng.sample(sorted(public), min(4, len(public)))
    for form, name in _each(FUNCTIONS, names, 1):
        yield form.format(name)


def _troubles(_english: Words, _rng: random.Random) -> Iterator[str]:
    built_in = vars(importlib.import_module("builtins")).values()
    raised = sorted(e.__name__ for e in built_in if isinstance(e, type) and issubclass(e, Exception))
    for form, name in _each(EXCEPTIONS, raised, 1):
        yield form.format(name)
    for form, status in _each(STATUSES, [f"{status.value} {status.phrase}" for status in HTTPStatus], 1):
        yield form.format(status)
    codes = dict(sorted(errno.errorcode.items())[:60])
    for form, number in _each(ERRORS, [str(code) for code in codes], 1):
        yield form.format(codes[int(number)], os.strerror(int(number)))


def _characters(_english: Words, rng: random.Random) -> Iterator[str]:
    kinds = {"Ll", "Sm", "Sc", "So", "Po", "Lo"}
    points = [c for c in map(chr, range(0xA1, 0x2BFF)) if unicodedata.category(c) in kinds and unicodedata.name(c, "")]
    for form, character in _each(CHARACTERS, rng.sample(points, 110), 1):
        yield form.format(character, unicodedata.name(character))


def _sums(_english: Words, rng: random.Random) -> Iterator[str]:
    for form in SUMS:
        for _ in range(16):
            yield form.format(rng.randint(100, 2000), rng.randint(12, 90), rng.randint(3, 11))


def _tables(_english: Words, rng: random.Random) -> Iterator[str]:
    cities = ["Lima", "Oslo", "Kyoto", "Graz", "Accra", "Porto", "Quito", "Riga"]
    for count in range(60):
        rows = [["city", "month", "amount"]]
        rows += [
            [rng.choice(cities), rng.choice(calendar.month_abbr[1:]), rng.randint(5, 999)]
            for _ in range(4 + count % 17)
        ]
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(rows)
        yield TABLES[count % len(TABLES)].format(text.getvalue())
    messages = [
        "connection reset",
        "cache miss for key {0}",
        "took {0} ms",
        "disk {0} % full",
        "retry {0}",
        "user {0} signed in",
    ]
    for count in range(40):
        lines = [
            f"2025-03-{rng.randint(1, 28):02} {rng.randint(0, 23):02}:{rng.randint(0, 59):02} "
            f"{rng.choice(['INFO', 'INFO', 'WARNING', 'ERROR'])} {rng.choice(messages).format(rng.randint(2, 99))}"
            for _ in range(5 + count % 12)
        ]
        yield LOGS[count % len(LOGS)].format("\n".join(sorted(lines)))


def _stories(words: Words, rng: random.Random) -> Iterator[str]:
    for genre, subject in _each(words["genres"], words["subjects"], 6):
        yield f"Write {genre} about {subject}. {rng.choice(words['constraints'])}"


def _advice(words: Words, _rng: random.Random) -> Iterator[str]:
    for form, situation in _each(words["advice"], words["situations"], 4):
        yield _capitalized(form.format(situation=situation))


def _edits(words: Words, _rng: random.Random) -> Iterator[str]:
    languages = itertools.cycle(words["languages"])
    for form in words["edits"]:
        for sentence in words["sentences"]:
            yield form.format(sentence=sentence, language=next(languages))
    for language, sentence in _each(words["languages"], words["sentences"], 3):
        yield f'How would a native speaker of {language} say this? "{sentence}"'


def _programs(words: Words, rng: random.Random) -> Iterator[str]:
    codes = itertools.cycle(rng.sample(words["code_languages"], len(words["code_languages"])))
    for form, program in _each(words["program_forms"], words["programs"], 6):
        yield form.format(program=program, code=next(codes))


def _broken_texts(english: Words, _rng: random.Random) -> Iterator[str]:
    pairs = [("utf-8", "cp1252"), ("utf-8", "latin-1"), ("utf-8", "cp437"), ("cp1252", "cp437"), ("utf-8", "mac_roman")]
    for count, (word, (meant, read)) in enumerate(itertools.product(english["accented"], pairs)):
        shown = word.encode(meant, "ignore").decode(read, "replace")
        if shown.isprintable() and "\ufffd" not in shown and shown != word:
            yield BROKEN_TEXTS[count % len(BROKEN_TEXTS)].format(f'"{shown}"')


def _comparisons(words: Words, _rng: random.Random) -> Iterator[str]:
    for form, pair in _each(words["comparisons"], words["pairs"], 3):
        first, second = (part.strip() for part in pair.split("|"))
        yield form.format(a=first, b=second)


def _conversations(words: Words, rng: random.Random) -> Iterator[list[str]]:
    for index, (form, topic) in enumerate(_each(words["explain"], words["topics"][::-1], 1)):
        opening = form.format(topic=topic, audience=rng.choice(words["audiences"]))
        answer = FIRST_ANSWERS[index % len(FIRST_ANSWERS)].format(topic)
        follow_up = words["follow_ups"][index % len(words["follow_ups"])]
        yield [opening, answer, follow_up.format(audience=rng.choice(words["audiences"]))]


if __name__ == "__main__":
    for conversation in further_prompts():
        sys.stdout.write(json.dumps({"messages": conversation}, ensure_ascii=False) + "\n")
