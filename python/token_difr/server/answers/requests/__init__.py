"""What a request may ask for: its fields, their ranges and their meaning for a sequence.

    bodies, sglang       the fields; unknown ones are refused
    refusals             fields that are understood and not supported
    limits               how much may be asked for
    sampling             fields to ``SamplingSettings``, by the rules of this server
    error                the refusal

May import ``generation.sampling``; no other file of ``answers/``.
"""
