"""A virtual environment with token-difr 0.1.2, the reference implementation, to benchmark against.

    python benches/peer_environment.py     makes .venv-peer beside the repository's other environments, once

0.1.2 needs torch, transformers, openai and tqdm. They are borrowed from the environment that runs this script: a ``.pth``
file appends its site-packages after the peer's own, so that ``import token_difr`` finds 0.1.2 there and
nothing large is installed twice.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import tempfile
import venv
from pathlib import Path

__all__ = ["PEER_VERSION", "make_peer_environment"]

PEER_VERSION = "0.1.2"
FOLDER = Path(__file__).parents[1] / ".venv-peer"
CHECK = "import importlib.metadata; print(importlib.metadata.version('token-difr'))"
"""By what is installed: to import it takes seconds."""


def make_peer_environment() -> Path:
    """The interpreter of the peer's environment, which is made if it is not there.

    Raises:
        RuntimeError: The environment has another token-difr than 0.1.2.
    """
    python = FOLDER / "bin" / "python"
    if not python.exists():
        _put_environment_in_place()
    found = subprocess.run([python, "-c", CHECK], check=True, capture_output=True, text=True).stdout.strip()
    if found != PEER_VERSION:
        raise RuntimeError(f"{FOLDER} has token-difr {found}, not {PEER_VERSION}: remove the folder and try again")
    return python


def _put_environment_in_place() -> None:
    """Makes the environment beside its place and renames it, whole.

    Two processes of one test run may ask for it at once: neither may find a half of the other's. The first rename
    stands, and the later process removes its own.
    """
    made = Path(tempfile.mkdtemp(prefix=f"{FOLDER.name}-", dir=FOLDER.parent))
    try:
        venv.create(made, with_pip=True)
        python = made / "bin" / "python"
        install = [python, "-m", "pip", "install", "--quiet", "--no-deps", f"token-difr=={PEER_VERSION}"]
        subprocess.run(install, check=True)
        _borrow_packages(python)
        try:
            made.rename(FOLDER)
        except OSError:
            if not (FOLDER / "bin" / "python").exists():
                raise
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _borrow_packages(python: Path) -> None:
    where = "import sysconfig; print(sysconfig.get_paths()['purelib'])"
    own = subprocess.run([python, "-c", where], check=True, capture_output=True, text=True).stdout.strip()
    # Lines of a .pth file are appended to sys.path, after the folder that holds it.
    Path(own, "borrowed.pth").write_text(sysconfig.get_paths()["purelib"] + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.stdout.write(f"{make_peer_environment()}\n")
