"""Provider text, made safe to show in a report: the ground floor's :func:`~token_difr.untrusted.printable`."""

from token_difr.untrusted import printable

__all__ = ["printable"]
