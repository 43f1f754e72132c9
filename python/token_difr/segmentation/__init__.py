"""Segmentation repair: finds the cut of a text into tokens that the model wrote, where it is not the tokenizer's own.

One text can be cut into tokens in many ways. A tokenizer knows one; a model sometimes writes another, and then every token
from there on looks wrong. The reference tells: where the model left the tokenizer's way, some token of the row fits the text
and explains it far better than the claimed one.
"""

from token_difr.segmentation.budget import default_requests
from token_difr.segmentation.judge import LARGEST_LOSS, LIKELIHOOD, Judge, by_choice
from token_difr.segmentation.patient import Repaired
from token_difr.segmentation.repairing import Question, is_repairable, repair
from token_difr.segmentation.spelling import Speller

__all__ = [
    "LARGEST_LOSS",
    "LIKELIHOOD",
    "Judge",
    "Question",
    "Repaired",
    "Speller",
    "by_choice",
    "default_requests",
    "is_repairable",
    "repair",
]
