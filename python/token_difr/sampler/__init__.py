"""How engines turn a seed into noise, as data: which random stream, which order of the filters, by engine and version.

* ``sampler``: ``Sampler``, one such rule;
* ``engines``: the table of engines and versions (``engines.toml``), and what it refuses;
* ``streams``: what the random streams are keyed by and depend on;
* ``keys``: ``StreamKeys``, where tokens stand in a stream.

The streams themselves are modules of the native core, which tells their facts: nothing here knows one by its name.
"""

from token_difr.sampler.keys import StreamKeys
from token_difr.sampler.sampler import Sampler

__all__ = ["Sampler", "StreamKeys"]
