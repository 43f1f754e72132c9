"""Responses -> token sequences: the chat template, and the answers' text as token ids."""

from token_difr.tokenize.load import load_tokenizer
from token_difr.tokenize.render import Tokenizer, render
from token_difr.tokenize.tokenize import TokenIds, tokenize

__all__ = ["TokenIds", "Tokenizer", "load_tokenizer", "render", "tokenize"]
