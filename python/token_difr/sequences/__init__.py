"""Responses -> token sequences: the chat template, and the answers' text as token ids."""

from token_difr.sequences.end_of_turn import end_token
from token_difr.sequences.given_ids import answer_ids
from token_difr.sequences.load import load_tokenizer, tokenizer_digest
from token_difr.sequences.reasoning import ReasoningJoin, ReasoningJoiner
from token_difr.sequences.rendering import Tokenizer, render, rendered_text
from token_difr.sequences.tokenizing import TokenIds, tokenize
from token_difr.sequences.tool_calls import calls_tools

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
