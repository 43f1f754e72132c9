"""What Fireworks' answers become, under the older path and the older names."""

from token_difr.records import Logprobs
from token_difr.rollouts.response import Response, Usage
from token_difr.rollouts.samples import Rollouts

__all__ = ["FwResponse", "FwRollouts", "Logprobs", "Usage"]

FwResponse = Response
FwRollouts = Rollouts
