"""Many requests on one model: a queue, prefill in chunks, and one decode batch that sequences join and leave."""

from token_difr.server.batching.generation import Generation, GenerationSpec
from token_difr.server.batching.scheduler import QueueFullError, Scheduler, SchedulerStoppedError

__all__ = ["Generation", "GenerationSpec", "QueueFullError", "Scheduler", "SchedulerStoppedError"]
