"""How engines turn a seed into noise, as data: which random stream, which order of the filters, by engine and version.

* ``sampler``: ``Sampler``, one such rule;
* ``engines``: the table of engines and versions (``engines.toml``), and what it refuses;
* ``streams``: what the random streams are keyed by and depend on.
"""

from token_difr.sampler.sampler import Sampler

__all__ = ["Sampler"]
