"""What an endpoint does, in figures: is it repeatable, does it honor seeds, and whose sampler gives its tokens?"""

from token_difr.probes.agreement import Agreement, Greedy, Honored, Seeds
from token_difr.probes.probing import Probe, aprobe, probe
from token_difr.probes.samplers import SamplerFit, Untried

__all__ = ["Agreement", "Greedy", "Honored", "Probe", "SamplerFit", "Seeds", "Untried", "aprobe", "probe"]
