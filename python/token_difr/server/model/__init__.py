"""The model: its folder, its tokenizer and chat template, and the engine that turns token ids into logits.

May import the ground of the package (errors, records, the demo model's place). Knows nothing of sequences, answers or
HTTP: nothing of the other rooms of the server may be imported here.
"""
