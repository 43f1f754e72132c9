"""What others wrote, made safe: text to show, JSON and archives to read, numbers to reckon with."""

from token_difr.untrusted.archives import check_sizes, is_plain_path, unpack_zip
from token_difr.untrusted.documents import read_json
from token_difr.untrusted.numbers import LOWEST, money, read_logprob, token_count, whole_number
from token_difr.untrusted.text import printable, text_of_page

__all__ = [
    "LOWEST",
    "check_sizes",
    "is_plain_path",
    "money",
    "printable",
    "read_json",
    "read_logprob",
    "text_of_page",
    "token_count",
    "unpack_zip",
    "whole_number",
]
