"""What the stages hand to each other: one record type a file."""

from token_difr.records.metrics import TokenMetrics
from token_difr.records.response import Conversation, Message, Response
from token_difr.records.sequence import TokenSequence
from token_difr.records.topk import UNRESOLVED, TopKBatch

__all__ = ["UNRESOLVED", "Conversation", "Message", "Response", "TokenMetrics", "TokenSequence", "TopKBatch"]
