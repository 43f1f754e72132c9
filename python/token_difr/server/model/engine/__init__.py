"""What runs the model: token ids and a cache in, logits out.

    protocol         the one interface
    loading          which engine runs a model
    onnx, torch      the engines; torch is imported when one is made
    onnx_sessions    graphs with their weights on ONNX Runtime
    graph/           the graph of a model, from its configuration
    weights          the tensors of safetensors files
    gguf/            the same of GGUF files
    rounding         weights of fewer bits
    rounded_cache    keys and values of fewer bits

Imports nothing else of the server, the tokenizer included: an engine sees ids alone.
"""

from token_difr.server.model.engine.protocol import Engine, ForwardPass, KeyValues, extended

__all__ = ["Engine", "ForwardPass", "KeyValues", "extended"]
