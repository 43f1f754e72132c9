"""What runs the model: token ids and a cache in, logits out.

    protocol         the one interface
    choice           the engines by name
    loading          which engine runs a model
    onnx, torch      the engines; torch is imported when one is made
    torch_model      loading a model of transformers
    onnx_sessions    graphs with their weights on ONNX Runtime
    graph/           the graph of a model, from its configuration
    weights          the tensors of safetensors files
    gguf_decoder     the same of GGUF files
    rounding         weights of fewer bits
    rounded_cache    keys and values of fewer bits
    chunk_size       how much of a prompt goes through at once

The server generates by it, and a reference in this process scores by it. It sees ids alone: no text, no tokenizer.
"""

from token_difr.engine.protocol import Engine, ForwardPass, KeyValues, extended

__all__ = ["Engine", "ForwardPass", "KeyValues", "extended"]
