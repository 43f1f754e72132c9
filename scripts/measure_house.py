"""Figures of the house: how large its files and functions are, what is named twice, which imports point up.

    python scripts/measure_house.py                  this checkout
    python scripts/measure_house.py --root DIR       another one

Tests, benchmarks and scripts are not counted. The layers are those of import-linter in pyproject.toml.
"""

from __future__ import annotations

import argparse
import re
import statistics
import tomllib
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from house_source import Function, Source, read_python, read_rust

PACKAGE = "token_difr"
LONG_FUNCTION = 60
MANY_PARAMETERS = 7
OLD_LAYERS = (
    "__main__ testing",
    "cli api common local model_registry openrouter_api",
    "demo",
    "compat server probe rollouts audit stages run_directory baseline",
    "report",
    "findings decide score",
    "reference",
    "tokenize collect interchange",
    "registry",
    "endpoint",
    "sampler",
    "records sampling",
    "errors untrusted demo_model",
)
"""The same order for a checkout from before pyproject.toml had it, when rooms had other names."""


def main() -> None:
    """Prints the tables of a checkout."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--root", type=Path, default=Path(__file__).parents[1])
    root = parser.parse_args().root
    python = sources(root / "python" / PACKAGE, ".py", read_python)
    rust = [source for source in sources(root / "rust", ".rs", read_rust) if "tests/" not in source.path]
    print_sizes({"Python": python, "Rust": rust})
    for title, lines in {
        f"Functions of more than {LONG_FUNCTION} lines": long_functions([*python, *rust]),
        f"Functions of more than {MANY_PARAMETERS} parameters": wide_functions([*python, *rust]),
        "Public names defined in several modules": names_twice(python),
        "Modules with the name of a public function": modules_like_functions(python),
        "Imports upward": upward_imports(python, layers_of(root)),
    }.items():
        print(f"\n{title}: {len(lines)}", *(f"  {line}" for line in lines), sep="\n")


def sources(folder: Path, ending: str, read: Callable[[Path, Path], Source]) -> list[Source]:
    """All files below a folder."""
    return [read(file, folder) for file in sorted(folder.rglob(f"*{ending}")) if "target" not in file.parts]


def print_sizes(parts: dict[str, Sequence[Source]]) -> None:
    """One row a figure, one column a language."""
    columns = {name: dict(sizes(part)) for name, part in parts.items()}
    print(f"{'':32}" + "".join(f"{name:>44}" for name in columns))
    for row in next(iter(columns.values())):
        print(f"{row:32}" + "".join(f"{column[row]:>44}" for column in columns.values()))


def sizes(part: Sequence[Source]) -> Iterable[tuple[str, str]]:
    """Name and value of every figure."""
    files = [source.lines for source in part]
    functions = [function for source in part for function in source.functions]
    lengths = [function.lines for function in functions]
    largest = max(part, key=lambda source: source.lines)
    longest = max(functions, key=lambda function: function.lines)
    yield "files", f"{len(files):,}"
    yield "lines", f"{sum(files):,}"
    yield "lines of a file, median", f"{statistics.median(files):g}"
    yield "largest file", f"{largest.lines} {short(largest.path)}"
    yield "functions", f"{len(functions):,}"
    yield "lines of a function, median", f"{statistics.median(lengths):g}"
    yield "lines of a function, p90", f"{statistics.quantiles(lengths, n=10)[-1]:g}"
    yield "longest function", f"{longest.lines} {short(longest.name)}"
    yield f"functions over {LONG_FUNCTION} lines", f"{len(long_functions(part))}"
    yield f"functions over {MANY_PARAMETERS} parameters", f"{len(wide_functions(part))}"
    yield "comment lines", share(part, lambda source: source.comments)
    yield "documentation lines", share(part, lambda source: source.documentation)


def short(name: str) -> str:
    """The end of a long name."""
    return name if len(name) <= 36 else "…" + name[-35:]


def share(part: Sequence[Source], count: Callable[[Source], int]) -> str:
    """A number of lines, and how much of all lines they are."""
    number = sum(map(count, part))
    return f"{number:,} ({number / sum(source.lines for source in part):.1%})"


def long_functions(part: Sequence[Source]) -> list[str]:
    """Longest first."""
    return _beyond(part, lambda function: function.lines, LONG_FUNCTION)


def wide_functions(part: Sequence[Source]) -> list[str]:
    """Most parameters first."""
    return _beyond(part, lambda function: function.parameters, MANY_PARAMETERS)


def _beyond(part: Sequence[Source], count: Callable[[Function], int], limit: int) -> list[str]:
    found = [function for source in part for function in source.functions if count(function) > limit]
    return [f"{count(function):3} {function.name}" for function in sorted(found, key=count, reverse=True)]


def names_twice(part: Sequence[Source]) -> list[str]:
    """Public names that several modules define, with the modules."""
    places = defaultdict(list)
    for source in part:
        for name in {*source.names, *source.function_names}:
            places[name].append(source.path)
    return [f"{name}: {', '.join(where)}" for name, where in sorted(places.items()) if len(where) > 1]


def modules_like_functions(part: Sequence[Source]) -> list[str]:
    """Modules and packages whose name is also that of a public function, and where the function is."""
    homes = {name: source.path for source in part for name in source.function_names}
    modules = {re.sub(r"(/__init__)?\.py$", "", source.path) for source in part}
    return [f"{module}: {homes[name]}" for module in sorted(modules) if (name := module.rpartition("/")[2]) in homes]


def layers_of(root: Path) -> list[set[str]]:
    """Rooms by layer, upper layers first."""
    settings = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"].get("importlinter", {}).get("contracts", [])
    layers = next((contract["layers"] for contract in contracts if contract["type"] == "layers"), OLD_LAYERS)
    return [set(re.findall(r"\w+", layer)) for layer in layers]


def upward_imports(part: Sequence[Source], layers: Sequence[set[str]]) -> list[str]:
    """Imports of a room above the importing one."""
    level = {room: number for number, rooms in enumerate(layers) for room in rooms}
    found = set()
    for source in part:
        room = re.split(r"[/.]", source.path)[0]
        for imported in source.imports:
            target = (imported + "..").split(".")[1] if imported.startswith(f"{PACKAGE}.") else ""
            if level.get(target, len(level)) < level.get(room, -1):
                found.add(f"{source.path} -> {imported}")
    return sorted(found)


if __name__ == "__main__":
    main()
