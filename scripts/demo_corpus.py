"""The text that the demo model learns: documentation that every CPython ships.

Two sources, both read from the running interpreter and nothing downloaded:

* the docstrings of the standard library, as questions and answers
  ("What does ``json.dumps`` do?");
* the documentation topics in ``pydoc_data.topics``, as plain text.

Both are part of CPython and stand under the Python Software Foundation License; the model card of the
demo model carries the notice. The corpus follows the interpreter's version, so the version is part of
the recipe: the shipped model was trained on the text of CPython 3.11.
"""

from __future__ import annotations

import ast
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from pydoc_data.topics import topics  # type: ignore[import-not-found, unused-ignore]
from typing import NamedTuple

SKIPPED_FOLDERS = frozenset(
    {"site-packages", "test", "tests", "idlelib", "lib2to3", "turtledemo", "ensurepip", "pydoc_data", "__phello__"}
)
QUESTION_FORMS = ("What does {name} do?", "What is {name}?", "Explain {name}.", "Document {name} for me.")
SHORTEST_DOCSTRING = 40
LONGEST_ANSWER = 400


class Entry(NamedTuple):
    """One documented name of the standard library and its docstring, shortened to whole paragraphs."""

    name: str
    answer: str


def documented_names() -> list[Entry]:
    """Every documented module, class and function of the standard library, by ascending qualified name."""
    root = Path(sysconfig.get_paths()["stdlib"])
    entries: dict[str, str] = {}
    for path in sorted(root.rglob("*.py")):
        relative = path.relative_to(root)
        if SKIPPED_FOLDERS.intersection(relative.parts):
            continue
        module = ".".join(relative.with_suffix("").parts).removesuffix(".__init__")
        tree = ast.parse(path.read_text(encoding="utf-8"))
        entries.update(_documented(tree, module))
    return [Entry(name, answer) for name, answer in sorted(entries.items())]


def topic_passages(longest: int = 1500) -> list[str]:
    """The documentation topics, cut between paragraphs into passages of at most about ``longest`` characters."""
    passages = []
    for _, text in sorted(topics.items()):
        passages.extend(_cut(text, longest))
    return passages


def _documented(node: ast.AST, name: str) -> Iterator[tuple[str, str]]:
    if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        docstring = ast.get_docstring(node)
        if docstring and len(docstring) >= SHORTEST_DOCSTRING:
            yield name, _cut(docstring, LONGEST_ANSWER)[0]
        for child in node.body:
            if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                yield from _documented(child, f"{name}.{child.name}")


def _cut(text: str, longest: int) -> list[str]:
    """Whole paragraphs together up to ``longest`` characters; a longer paragraph is cut at the limit."""
    pieces = [""]
    for paragraph in text.strip().split("\n\n"):
        joined = f"{pieces[-1]}\n\n{paragraph}" if pieces[-1] else paragraph
        if len(joined) <= longest or not pieces[-1]:
            pieces[-1] = joined[:longest]
        else:
            pieces.append(paragraph[:longest])
    return pieces
