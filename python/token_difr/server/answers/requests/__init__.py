"""What a request may ask for: its fields, their ranges and their meaning for a sequence.

    fields, fields.toml  the table: what acts, what is a hint, what is refused and why
    strict, choices      what all bodies have in common; fields that take several kinds of values
    bodies, messages     OpenAI's fields that act
    sglang               those of SGLang's native form
    refusals             fields that contradict each other
    limits               how much may be asked for
    sampling             fields to ``SamplingSettings``, by the rules of this server
    error                the refusal

May import ``generation.sampling``; no other file of ``answers/``.
"""
