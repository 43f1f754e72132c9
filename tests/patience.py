"""How long a test waits for what must come."""

PATIENCE_SECONDS = 600.0
"""A guard against hanging, never a measure of speed: the machine may be busy, and no test rests on how fast it is."""
