"""The chain of candidate pools, as a dial without noise has it."""

import numpy as np

from m2m.selection.incidence import Incidence
from m2m.selection.prune import Chain, measure_loads, peel


def prune(incidence: Incidence) -> Chain:
    """Peel by the loads of a first peel. O(pairs)."""
    return peel(incidence, measure_loads(incidence, 0.0, np.random.default_rng(0)))[0]
