"""What runs the model: token ids and a cache in, logits out."""

from token_difr.server.engine.protocol import Engine, ForwardPass, KeyValues

__all__ = ["Engine", "ForwardPass", "KeyValues"]
