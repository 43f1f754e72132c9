"""What runs the model: token ids and a cache in, logits out.

    protocol         the one interface
    loading          which engine runs a model
    onnx, torch      the engines; torch is imported when one is made
    weights          safetensors as float32
    rounding         weights of fewer bits
    rounded_cache    keys and values of fewer bits

Imports nothing else of the server, the tokenizer included: an engine sees ids alone.
"""

from token_difr.server.model.engine.protocol import Engine, ForwardPass, KeyValues

__all__ = ["Engine", "ForwardPass", "KeyValues"]
