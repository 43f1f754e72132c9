"""``python -m token_difr``: the command line."""

from token_difr.cli import main

if __name__ == "__main__":
    main()
