"""Locks what ``make demo`` and ``make test`` install: the newest versions that the ranges of pyproject.toml allow, with hashes.

Users of the package get the ranges; the locks are for this repository, so that its tests mean the same thing next month.
One lock file serves every platform and every Python that the package runs on. ``make lock`` runs this with uv beside
the interpreter.
"""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
UV = Path(sys.executable).parent / "uv"
EXTRAS = {"demo": "serve", "dev": "dev"}
"""Lock file -> the extra of pyproject.toml that it holds."""


def lock(name: str, extra: str, build_requirements: list[str], oldest_python: str) -> None:
    """Writes ``requirements/NAME.txt``.

    Args:
        name: Stem of the file.
        extra: Locked beside the package's own dependencies.
        build_requirements: Locked too: the package is built in the environment itself, so that nothing is fetched unlocked.
        oldest_python: The file is for it and everything newer.
    """
    subprocess.run(
        [
            *(str(UV), "pip", "compile", "pyproject.toml", "-", "--extra", extra),
            *("--universal", "--python-version", oldest_python, "--upgrade"),
            *("--generate-hashes", "--no-emit-index-url", "--no-emit-find-links", "--quiet"),
            *("--custom-compile-command", "make lock", "--output-file", f"requirements/{name}.txt"),
        ],
        input="\n".join(build_requirements),
        text=True,
        check=True,
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
    )


def main() -> None:
    """Locks every environment."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    oldest_python = settings["project"]["requires-python"].removeprefix(">=")
    for name, extra in EXTRAS.items():
        lock(name, extra, settings["build-system"]["requires"], oldest_python)


if __name__ == "__main__":
    main()
