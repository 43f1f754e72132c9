"""``python -m token_difr`` and ``token-difr``: the command line."""

from __future__ import annotations

from typing import NoReturn

__all__ = ["main"]


def main() -> NoReturn:
    """Run the command line and exit."""
    from token_difr.interrupts import leave_at_once

    leave_at_once()
    from token_difr.cli import main as run

    run()


if __name__ == "__main__":
    main()
