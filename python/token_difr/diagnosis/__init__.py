"""Where and why outputs part: a profile of the decided tokens by their kinds, and the known patterns among causes.

A cause is a conclusion from the findings, the counts of tokens and the profile. It never changes the verdict.
"""

from token_difr.diagnosis.diagnosing import diagnose
from token_difr.diagnosis.side import Side

__all__ = ["Side", "diagnose"]
