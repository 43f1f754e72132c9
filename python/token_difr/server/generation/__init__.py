"""Many sequences on one model: a queue, prefill in chunks, and one decode batch that sequences join and leave.

    scheduler                    the thread that runs the model for everybody
    prefill, prefix_cache        a prompt through the model
    decode_batch                 one token for every running sequence
    generation, output_cursor    a sequence while it grows, and what is new of it
    logprob_rows                 logits to logprobs and ranks
    sampling/                    logits to a token
    text/                        tokens to text, and its end at stop strings

May import the model. Imports no answer and no HTTP: a sequence does not know which API asked for it. What a sequence
is told (``GenerationSpec``, ``SamplingSettings``) was checked by whoever made it.
"""

from token_difr.server.generation.generation import Generation, GenerationSpec
from token_difr.server.generation.scheduler import QueueFullError, Scheduler, SchedulerStoppedError

__all__ = ["Generation", "GenerationSpec", "QueueFullError", "Scheduler", "SchedulerStoppedError"]
