"""What others wrote, made safe: text to show, JSON to read, numbers to reckon with."""

from token_difr.untrusted.documents import read_json
from token_difr.untrusted.numbers import LOWEST, money, read_logprob, token_count, whole_number
from token_difr.untrusted.text import printable, text_of_page

__all__ = [
    "LOWEST",
    "money",
    "printable",
    "read_json",
    "read_logprob",
    "text_of_page",
    "token_count",
    "whole_number",
]
