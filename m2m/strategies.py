"""Lists the strategies, and what is particular to each: a new one is an entry here, and a function if it is a baseline.

A strategy of a side and a scale chooses by units. A baseline chooses by something else, in `m2m.selection.baselines`.
"""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import NamedTuple

SIDES = ("instruction", "response")
SCALES = ("macro", "meso", "micro")


class Strategy(NamedTuple):
    """What `subset` has to know of a strategy before it reads anything."""

    reads: str
    """the table that it chooses by; dvc.yaml puts a copy of it in data/choices under the strategy's name"""
    side: str | None = None
    scale: str | None = None
    has_degree: bool = True
    follows_match: bool = False
    """whether it copies the response lengths of the subset of another strategy, `subset.match`"""
    needs_quality: bool = False
    """whether it cannot do without a score a row, `subset.quality`"""

    @property
    def has_units(self) -> bool:
        """Whether `reads` is a table of its units, from which the subset is pruned and sampled."""
        return self.scale is not None


STRATEGIES = {
    f"{side}-{scale}": Strategy(f"data/units/{side}-{scale}.parquet", side, scale) for side in SIDES for scale in SCALES
} | {
    "random": Strategy("data/tokens/response.parquet", has_degree=False),
    "length-matched": Strategy("data/tokens/response.parquet", follows_match=True),
    "longest": Strategy("data/tokens/response.parquet", has_degree=False),
    "k-center": Strategy("data/vectors/response.parquet", has_degree=False),
    "type-cover": Strategy("data/units/response-micro.parquet", has_degree=False),
    "token-entropy": Strategy("data/tokens/response.parquet", has_degree=False),
    "facility-location": Strategy("data/vectors/response.parquet", has_degree=False),
    "stochastic-facilities": Strategy("data/vectors/response.parquet", has_degree=False),
    "gist": Strategy("data/vectors/response.parquet", has_degree=False),
    "deita": Strategy("data/vectors/response.parquet", has_degree=False, needs_quality=True),
    "instag": Strategy("data/units/instruction-meso.parquet", has_degree=False),
    "mig": Strategy("data/units/instruction-meso.parquet", has_degree=False),
    "novel-select": Strategy("data/vectors/response.parquet", has_degree=False),
    "bm25": Strategy("data/targets/bm25.parquet", has_degree=False),
}
UNIT_STRATEGIES = tuple(name for name, strategy in STRATEGIES.items() if strategy.has_units)
BASELINES = tuple(name for name, strategy in STRATEGIES.items() if not strategy.has_units)
NO_DEGREE = tuple(name for name, strategy in STRATEGIES.items() if not strategy.has_degree)
MATCHES = (*UNIT_STRATEGIES, "random")  # whose lengths a strategy that follows a match may have


def get_strategy(name: str, setting: str = "subset.strategy") -> Strategy:
    """The entry of the strategy `name`, as `setting` has it; ValueError lists the names, and suggests the nearest."""
    if name not in STRATEGIES:
        raise ValueError(f"{setting} must be one of {', '.join(STRATEGIES)}, got {name}{_suggest(name, STRATEGIES)}")
    return STRATEGIES[name]


def require_match(name: str, setting: str = "subset.match") -> None:
    """ValueError unless `name` is a strategy whose response lengths another subset may have."""
    if name not in MATCHES:
        raise ValueError(f"{setting} must be one of {', '.join(MATCHES)}, got {name}{_suggest(name, MATCHES)}")


def _suggest(name: str, names: Iterable[str]) -> str:
    nearest = get_close_matches(name, names, n=1)
    return f": did you mean {nearest[0]}?" if nearest else ""
