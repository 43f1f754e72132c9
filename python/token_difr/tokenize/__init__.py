"""Responses -> token sequences: the chat template, and the answers' text as token ids."""

from token_difr.tokenize.answer_ids import answer_ids
from token_difr.tokenize.end_token import end_token
from token_difr.tokenize.load import load_tokenizer, tokenizer_digest
from token_difr.tokenize.reasoning import ReasoningJoin, ReasoningJoiner
from token_difr.tokenize.render import Tokenizer, render, rendered_text
from token_difr.tokenize.tokenize import TokenIds, tokenize
from token_difr.tokenize.tool_calls import calls_tools

__all__ = [
    "ReasoningJoin",
    "ReasoningJoiner",
    "TokenIds",
    "Tokenizer",
    "answer_ids",
    "calls_tools",
    "end_token",
    "load_tokenizer",
    "render",
    "rendered_text",
    "tokenize",
    "tokenizer_digest",
]
