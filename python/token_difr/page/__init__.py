"""A run as one page to look at and to send: the verdict in words, the figures, and the answers token by token.

A page is made from a run directory (``content.py``, ``answers.py``, ``charts.py``) and written as one file (``html.py`` and
``templates/``), which loads nothing and asks for nothing.
"""

from token_difr.page.html import page_of

__all__ = ["page_of"]
