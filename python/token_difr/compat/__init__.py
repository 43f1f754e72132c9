"""Names that users of token-difr 0.1 import, as thin faces over the stages."""
