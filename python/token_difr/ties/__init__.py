"""Near ties of the reference: the tokens at which a small deviation shows, asked for one at a time.

A deviation changes a token only where the reference's two likeliest are close. Whole answers spend nearly all of their
tokens elsewhere; here the reference answers once, the places where its choice was a near tie are kept (``picking.py``,
``tie.py``), and providers are asked for the one token behind each (``asking.py``). The row is known from the picking, so the
reference is asked nothing more, for any number of providers and days. What comes back (``matching.py``) is scored, compared with
a baseline's answers to the same ties and kept as any audit is (``auditing.py``).
"""

from token_difr.ties.auditing import aaudit_ties, audit_ties
from token_difr.ties.honest import HonestFlips
from token_difr.ties.picking import apick_ties, near_ties, pick_ties
from token_difr.ties.tie import Tie, TieSet

__all__ = ["HonestFlips", "Tie", "TieSet", "aaudit_ties", "apick_ties", "audit_ties", "near_ties", "pick_ties"]
