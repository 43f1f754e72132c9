"""The pages name what is there: files, folders, tests, options, statistics, engines."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path
from urllib.parse import unquote

import pytest
import typer.main

from token_difr.cli import app
from token_difr.endpoint.bodies import MAX_ANSWER_MB, MEGABYTE, MOST_OF_AN_ERROR, USUAL
from token_difr.endpoint.client import MAX_RETRIES, TIMEOUT_SECONDS, connect
from token_difr.endpoint.failures import LONGEST_QUOTE
from token_difr.errors import UnreplayableError
from token_difr.page.answers import MOST_ANSWERS, MOST_OF_ALL
from token_difr.records import Audit
from token_difr.report import FORMS
from token_difr.run.journal import Journal
from token_difr.run.layout import LOCK, MADE_FOR, MANIFEST, PROMPTS, REPORT, RESPONSES, ROWS, SCORES, SEQUENCES
from token_difr.run.manifest import read_manifest
from token_difr.sampler import Sampler
from token_difr.sampler.engines import rules
from token_difr.sequences.template_limits import LARGEST_RENDERING, LONGEST_TEMPLATE, RENDER_SECONDS
from token_difr.untrusted import printable
from token_difr.untrusted.archives import LARGEST_ARCHIVE, LARGEST_MEMBER, MOST_MEMBERS, MOST_TIMES_LARGER
from token_difr.untrusted.documents import DEEPEST, MOST_DIGITS
from token_difr.untrusted.numbers import HIGHEST, MOST_TOKENS, MOST_USD
from token_difr.verdict.statistics import STATISTICS

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "python" / "token_difr"
PAGES = sorted([*ROOT.glob("docs/*.md"), *(ROOT / f"{name}.md" for name in ("README", "DESIGN", "CONTRIBUTING"))])

SUFFIXES = ("py", "pyi", "rs", "toml", "md", "json", "jsonl", "npz", "txt", "jinja", "sqlite3")
BASES = (ROOT, PACKAGE, ROOT / "rust" / "core" / "src", ROOT / "tests", ROOT / "tests" / "rollouts")
"""What paths on the pages start from; the page on rollouts says that its tests are in ``tests/rollouts``."""

WRITTEN = {MANIFEST, PROMPTS, RESPONSES, SEQUENCES, ROWS, SCORES, REPORT, LOCK}
"""Files that a run directory has."""
NOT_OURS = {
    *WRITTEN,
    *(
        "verdict.json",
        "bundle.json",
        ".rollouts/rollouts.sqlite3",
        "samples.jsonl",
        "ties.json",
        "honest.json",
        "campaign.toml",
        "deviations.toml",
    ),  # written when the package runs
    *(
        "gumbel.py",
        "config.json",
        "generation_config.json",
        "tokenizer.json",
        "tokenizer_config.json",
    ),  # an engine's, a model's
    *("path/to/", "path/to/folder", "path/to/model", "runs/trusted", "runs/candidate"),  # examples
}

BY_ENGINES = ("sglang/", "vllm/")
"""How paths begin that are files of an engine."""


def text_of(page: Path) -> str:
    """What it says."""
    return page.read_text(encoding="utf-8")


def paths_named(text: str) -> set[str]:
    """What looks like a file, or like a folder with its slash at the end, in code spans and in indented blocks."""
    spans = re.findall(r"(?<!`)`([^`\n]+)`", text)
    blocks = [line for line in text.splitlines() if line.startswith("    ")]
    found: set[str] = set()
    for piece in [*spans, *blocks]:
        if "://" in piece:
            continue
        files = re.findall(rf"(?<![\w*/.:-])(?:[\w.-]+/)*[\w.-]*\w\.(?:{'|'.join(SUFFIXES)})(?![\w/(*])", piece)
        folders = re.findall(r"(?<![\w*/.:<-])(?:[a-z][\w.-]*/)+(?![\w/*{<])", piece)
        found |= {path for path in [*files, *folders] if "NAME" not in path}
    return found


def is_there(path: str, rooms: Iterable[str] = ()) -> bool:
    """Below any place that paths start from, or below a room of the package."""
    return any((base / path).exists() for base in (*BASES, *(PACKAGE / room for room in rooms)))


def missing(text: str) -> list[str]:
    """Paths of no file; a paragraph about a room, whose name is bold there, names that room's files without it."""
    found: set[str] = set()
    for paragraph in text.split("\n\n"):
        rooms = re.findall(r"\*\*`(\w+)/`\*\*", paragraph)
        named = {path for path in paths_named(paragraph) - NOT_OURS if not path.startswith(BY_ENGINES)}
        found |= {path for path in named if not is_there(path, rooms)}
    return sorted(found)


def command_options() -> set[str]:
    """Every option of every verb."""
    found: set[str] = set()
    waiting = [typer.main.get_command(app)]
    while waiting:
        command = waiting.pop()
        waiting += getattr(command, "commands", {}).values()
        for parameter in command.params:
            found |= {name for name in (*parameter.opts, *parameter.secondary_opts) if name.startswith("--")}
    return found | {"--help"}


def table_rows(page: str, title: str) -> list[list[str]]:
    """The cells of the table under a heading, without its first two lines."""
    section = text_of(ROOT / "docs" / page).partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_that_a_page_names_is_there(page: Path) -> None:
    """Files and folders of this repository; those that a run or somebody else writes are listed above."""
    assert missing(text_of(page)) == []


def test_a_missing_file_is_found() -> None:
    """In a code span, in a block, as a folder, and in another room's paragraph; a pattern with a placeholder is none."""
    text = "`collect/`, `verdict/gone.py`, `report/NAME.py`, `errors.py`\n\n    anything/   what\n\n"
    rooms = "**`run/`** has `journal.py`.\n\n**`scores/`** has no `journal.py`."

    assert missing(text + rooms) == ["anything/", "collect/", "journal.py", "verdict/gone.py"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    """Links to files lead to files that are there, and those with an anchor to a heading."""
    for link in re.findall(r"\]\(([^)\s]+)\)", text_of(page)):
        if "://" in link:
            continue
        path, _, anchor = unquote(link).partition("#")
        target = page.parent / path if path else page
        assert target.exists(), link
        if anchor:
            headings = re.findall(r"^#+ (.*)$", text_of(target), flags=re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", each).lower().replace(" ", "-") for each in headings}, link


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "server.md"], ids=lambda page: page.name)
def test_every_option_that_a_page_names_exists(page: Path) -> None:
    """Some verb takes it; the server's page has a test of its own."""
    others = {
        "--demo",
        "--draws",
        "--power",
        "--simulated",
        "--prompts",
        "--tokens",
        "--capture",
        "--near-ties",
        "--parts",
    }  # of scripts
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*[a-z]", text_of(page)))

    assert named - others - command_options() == set()


def test_the_statistics_are_those_of_the_code() -> None:
    """Each with its unit, its direction and its gloss, in the order of reports."""
    rows = table_rows("statistics.md", "The statistics")

    assert rows == [
        [f"`{each.name}`", each.unit, "both" if each.two_sided else "worse", each.gloss] for each in STATISTICS
    ]


def test_the_files_of_a_run_are_those_of_the_code() -> None:
    """Every file of a run directory, and what each stage's file is made for."""
    rows = table_rows("run_directory.md", "Files")

    assert {row[0].strip("`") for row in rows} == WRITTEN
    for name, parts in MADE_FOR.items():
        made_for = next(row[3] for row in rows if row[0] == f"`{name}`")
        assert re.findall(r"`(\w+)`", made_for) == list(parts)


def test_the_manifest_that_is_shown_is_one(tmp_path: Path) -> None:
    """The example of ``run.json`` is read, its checksum too, and states the parts that the page explains."""
    (example,) = re.findall(r"```json\n(.*?)```", text_of(ROOT / "docs" / "run_directory.md"), flags=re.DOTALL)
    (tmp_path / MANIFEST).write_text(example, encoding="ascii")

    manifest = read_manifest(tmp_path)

    explained = [row[0].strip("`") for row in table_rows("run_directory.md", "run.json, format 2")]
    assert manifest.format == 2
    assert explained == [field.name for field in fields(Audit)]
    assert {name for name, _ in manifest.audit.parts()} == set(explained) - {"scored"}


def test_the_lines_that_are_shown_are_lines(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Each is read as a journal's, with its checksum; what they are made for is a part of the record."""
    lines = re.findall(r"^    (\{.*\})$", text_of(ROOT / "docs" / "run_directory.md"), flags=re.MULTILINE)
    (tmp_path / "journal").write_text("".join(f"{line}\n" for line in lines), encoding="ascii")

    journal = Journal(tmp_path / "journal", dict, dict)

    assert len(journal.entries) == 1
    assert set(journal.made_for or ()) == set(MADE_FOR[ROWS])
    assert caplog.records == []


def test_the_engines_are_those_of_the_table() -> None:
    """Each rule of ``engines.toml``: versions, runner, stream with its variant, and order of the filters."""
    rows = table_rows("samplers.md", "Engines and versions")

    assert [row[:4] for row in rows] == [
        [
            f"`{rule.engine}`" + (f", runner {rule.runner}" if rule.runner else ""),
            rule.versions,
            f"`{rule.stream}`" + (f" {rule.variant}" if rule.variant else ""),
            rule.filters,
        ]
        for rule in rules()
    ]


@pytest.mark.parametrize(("engine", "reason"), table_rows("samplers.md", "What cannot be replayed"))
def test_the_reasons_are_those_of_the_errors(engine: str, reason: str) -> None:
    """What cannot be replayed is refused with the words of the page."""
    with pytest.raises(UnreplayableError, match=re.escape(reason)):
        Sampler.for_engine(engine.strip("`"), "1")


BOUNDS = {
    "bytes of an answer, decompressed": MAX_ANSWER_MB,
    "answers above 1 MB in memory": 1,
    "bytes of an error's body": MOST_OF_AN_ERROR / MEGABYTE,
    "time for a whole answer": TIMEOUT_SECONDS,
    "tries of a request after the first": MAX_RETRIES,
    "redirects followed": 0,
    "levels of JSON": DEEPEST,
    "digits of a whole number": MOST_DIGITS,
    "tokens that an answer counts": MOST_TOKENS,
    "dollars for an answer, or a million tokens": MOST_USD,
    "a logprob": HIGHEST,
    "an endpoint's message in an error": LONGEST_QUOTE,
    "a chat template's source": LONGEST_TEMPLATE,
    "text or list that a template makes": LARGEST_RENDERING,
    "time of a template's rendering": RENDER_SECONDS,
    "bytes of a bundle of runs": LARGEST_ARCHIVE,
    "bytes of a file in a bundle, unpacked": LARGEST_MEMBER,
    "files in a bundle": MOST_MEMBERS,
    "times its bytes that a bundle unpacks to, beyond the first 64 MB": MOST_TIMES_LARGER,
    "answers on a page": MOST_ANSWERS,
    "tokens of answers on a page": MOST_OF_ALL,
    "text of others in a report": inspect.signature(printable).parameters["longest"].default,
}
"""What the page on security says is bounded, and the number in the code."""


def test_the_bounds_are_those_of_the_code() -> None:
    """Each with its number, its options and a test that is there."""
    rows = table_rows("security.md", "What is bounded")

    assert USUAL == MEGABYTE
    assert {row[0]: float(re.sub(r"[^0-9.]", "", row[1].partition(" ")[0])) for row in rows} == BOUNDS
    for *_, options, _, test in rows:
        file, _, name = test.strip("`").partition("::")
        assert f"def {name}(" in text_of(ROOT / file)
        for option, parameter in re.findall(r"`(--[a-z-]+)`, `(\w+)`", options):
            assert option in command_options()
            assert parameter in inspect.signature(connect).parameters


def test_defaults_name_options_of_the_same_verb() -> None:
    """``[default: --model]`` where there is a ``--model``."""
    for name, command in typer.main.get_command(app).commands.items():  # type: ignore[attr-defined]
        shown = command.get_help(typer.Context(command))
        known = {option for parameter in command.params for option in parameter.opts}
        assert set(re.findall(r"\[default: (--[a-z-]+)\]", " ".join(shown.split()))) <= known, name


def test_the_readme_names_every_form_of_a_report() -> None:
    """So that who looks for one finds it."""
    readme = text_of(ROOT / "README.md")

    assert [form for form in FORMS if f"`{form}`" not in readme] == []
