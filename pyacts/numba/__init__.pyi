from pyacts.numba import scalar as scalar

__all__: list[str]
