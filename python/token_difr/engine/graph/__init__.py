"""The graph of a decoder of the Llama family, built from its configuration when a model is loaded.

    architecture    what a configuration says of the graph, and what the graph does not express
    rotary          the angles by which queries and keys are turned
    builder         nodes, constants and weights of a graph
    attention       the attention of a layer
    decoder         the whole
    quantized       its linear layers on quantized kernels

Needs the package ``onnx``, which writes the file format; no weight is read here.
"""
