"""What ``measure_house.py`` reads off one source file: its functions, names, imports and comments.

Python is read by its own parser. Rust is read by a scanner that knows comments, literals and braces, which is all that the
length of a function takes.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

NOT_CODE = re.compile(
    r"""(?P<comment>//[^\n]*|/\*.*?\*/)
    |b?r(?P<fence>\#*)".*?"(?P=fence)    # a raw string ends at the fence that it began with
    |b?"(?:\\.|[^"\\])*"
    |b?'(?:\\[^\n']+|[^\\'\n])'          # a character, and no lifetime: those have one quote""",
    re.DOTALL | re.VERBOSE,
)
RUST_FUNCTION = re.compile(r"\bfn\s+(\w+)")
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass(frozen=True)
class Function:
    """One function.

    Attributes:
        name: With its file.
        lines: From its head to its end, docstring and all.
        parameters: Without the object or class that it belongs to.
    """

    name: str
    lines: int
    parameters: int


@dataclass(frozen=True)
class Source:
    """One file.

    Attributes:
        path: Below the folder of the sources.
        lines: Number of them.
        comments: Lines that are nothing but a comment.
        documentation: Lines of docstrings or doc comments.
        functions: Those with a body.
        names: Public names that the module defines, functions apart.
        function_names: Public functions of the module.
        imports: Modules that it imports, full names.
    """

    path: str
    lines: int
    comments: int
    documentation: int
    functions: list[Function]
    names: list[str]
    function_names: list[str]
    imports: list[str]


def read_python(file: Path, root: Path) -> Source:
    """A Python module."""
    text, path = file.read_text(encoding="utf-8"), str(file.relative_to(root))
    tree = ast.parse(text)
    public = [name for node in tree.body for name in _defined(node) if not name.startswith("_")]
    functions = [node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return Source(
        path=path,
        lines=len(text.splitlines()),
        comments=_comment_lines(text),
        documentation=sum(_string_lines(node) for node in ast.walk(tree)),
        functions=list(_functions(tree, path)),
        names=[name for name in public if name not in functions],
        function_names=[name for name in functions if name in public],
        imports=[name for node in ast.walk(tree) for name in _imported(node)],
    )


def _defined(node: ast.stmt) -> list[str]:
    """Names that a statement of a module gives to something of its own."""
    if isinstance(node, Definition):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        return [f"{node.module}.{alias.name}" for alias in node.names]
    return []


def _functions(tree: ast.AST, path: str) -> Iterator[Function]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            arguments = node.args
            taken = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
            parameters = sum(one is not None and one.arg not in {"self", "cls"} for one in taken)
            yield Function(f"{path}::{node.name}", (node.end_lineno or node.lineno) - node.lineno + 1, parameters)


def _comment_lines(text: str) -> int:
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return sum(token.type == tokenize.COMMENT and token.line.lstrip().startswith("#") for token in tokens)


def _string_lines(node: ast.AST) -> int:
    """Lines of a string that stands alone: documentation of what it is in, or of the name before it."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
        return (node.end_lineno or node.lineno) - node.lineno + 1
    return 0


def read_rust(file: Path, root: Path) -> Source:
    """A Rust module."""
    text, path = file.read_text(encoding="utf-8"), str(file.relative_to(root))
    lines = [line.strip() for line in text.splitlines()]
    documentation = sum(line.startswith(("///", "//!")) for line in lines)
    return Source(
        path=path,
        lines=len(lines),
        comments=sum(line.startswith("//") for line in lines) - documentation,
        documentation=documentation,
        functions=list(_rust_functions(_blanked(text), path)),
        names=[],
        function_names=[],
        imports=[],
    )


def _blanked(text: str) -> str:
    """Rust with spaces for every comment and literal, so that a brace is a brace."""
    return NOT_CODE.sub(lambda found: re.sub(r"[^\n]", " ", found.group()), text)


def _rust_functions(code: str, path: str) -> Iterator[Function]:
    for found in RUST_FUNCTION.finditer(code):
        opened = code.find("(", found.end())
        closed = _closing(code, opened, "()")
        body = re.search(r"[{;]", code[closed:])
        if body is None or body.group() == ";":  # declared by a trait, without a body
            continue
        end = _closing(code, closed + body.start(), "{}")
        yield Function(
            f"{path}::{found.group(1)}",
            code.count("\n", found.start(), end) + 1,
            _rust_parameters(code[opened + 1 : closed]),
        )


def _closing(code: str, start: int, pair: str) -> int:
    """Where the bracket that opens at ``start`` closes."""
    depth = 0
    for place in range(start, len(code)):
        depth += (code[place] == pair[0]) - (code[place] == pair[1])
        if depth == 0:
            return place
    return len(code)


def _rust_parameters(text: str) -> int:
    """Parameters between two parentheses: commas within brackets of any kind part none."""
    depth, parts = 0, [""]
    for before, character in zip(" " + text, text, strict=False):
        depth += (character in "([{<") - (character in ")]}" or (character == ">" and before != "-"))
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return sum(bool(part.strip()) and not re.fullmatch(r"\s*(&\s*('\w+\s+)?)?(mut\s+)?self\s*", part) for part in parts)
