"""Responses -> token sequences: the chat template, and the answers' text as token ids."""

from token_difr.sequences.broken_end import has_broken_end
from token_difr.sequences.decoding import decode_behind, encode_behind, well_formed
from token_difr.sequences.end_of_turn import end_token, ends_answers, is_special, trailing_special_token
from token_difr.sequences.given_ids import answer_ids
from token_difr.sequences.load import load_tokenizer, tokenizer_digest
from token_difr.sequences.named_ends import ends_named_in, json_object, special_token_text
from token_difr.sequences.pieces import Pieces, text_of
from token_difr.sequences.readings import TokenIds
from token_difr.sequences.reasoning import ReasoningJoin, ReasoningJoiner
from token_difr.sequences.rendering import Tokenizer, render, rendered_text
from token_difr.sequences.tokenizing import expected_lengths, tokenize
from token_difr.sequences.tool_calls import calls_tools

__all__ = [
    "Pieces",
    "ReasoningJoin",
    "ReasoningJoiner",
    "TokenIds",
    "Tokenizer",
    "answer_ids",
    "calls_tools",
    "decode_behind",
    "encode_behind",
    "end_token",
    "ends_answers",
    "ends_named_in",
    "expected_lengths",
    "has_broken_end",
    "is_special",
    "json_object",
    "load_tokenizer",
    "render",
    "rendered_text",
    "special_token_text",
    "text_of",
    "tokenize",
    "tokenizer_digest",
    "trailing_special_token",
    "well_formed",
]
