"""The text of an output while it grows: decoded, searched for stop strings, released piece by piece.

May import the model's tokenizer; nothing else of the server.
"""
