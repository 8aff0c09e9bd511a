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
    base_pass: str = ""
    """the stage that lets the base model read the pool, for strategies that name it and for no other"""

    @property
    def has_units(self) -> bool:
        """Whether `reads` is a table of its units, from which the subset is pruned and sampled."""
        return self.scale is not None

    @property
    def needs_examples(self) -> bool:
        """Whether `reads` is a table of how like each of a person's examples the rows are."""
        return self.reads.startswith("data/targets/")


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
    "ifd": Strategy("data/difficulties/response.parquet", has_degree=False, base_pass="difficulty"),
    "rds-plus": Strategy("data/targets/rds-plus.parquet", has_degree=False, base_pass="represent"),
}
UNIT_STRATEGIES = tuple(name for name, strategy in STRATEGIES.items() if strategy.has_units)
BASELINES = tuple(name for name, strategy in STRATEGIES.items() if not strategy.has_units)
NO_DEGREE = tuple(name for name, strategy in STRATEGIES.items() if not strategy.has_degree)
PREFILTERS = ("random", *(name for name, strategy in STRATEGIES.items() if strategy.needs_examples))
MATCHES = (*UNIT_STRATEGIES, "random")  # whose lengths a strategy that follows a match may have


def get_strategy(name: str, setting: str = "subset.strategy") -> Strategy:
    """The entry of the strategy `name`, as `setting` has it; ValueError lists the names, and suggests the nearest."""
    if name not in STRATEGIES:
        raise ValueError(f"{setting} must be one of {', '.join(STRATEGIES)}, got {name}{_suggest(name, STRATEGIES)}")
    return STRATEGIES[name]


def require_prefilter(name: str, share: float, setting: str = "subset.prefilter") -> None:
    """ValueError unless `name` is random, which keeps all rows, or a strategy of examples, which keeps a `share`."""
    if name not in PREFILTERS:
        raise ValueError(f"{setting} must be one of {', '.join(PREFILTERS)}, got {name}{_suggest(name, PREFILTERS)}")
    if not 0 < share <= 1:
        raise ValueError(f"{setting}_share must be above 0 and at most 1, got {share}")
    if name == "random" and share != 1:
        raise ValueError(f"{setting}_share {share} needs {setting}: set it to {' or '.join(PREFILTERS[1:])}")


def require_match(name: str, setting: str = "subset.match") -> None:
    """ValueError unless `name` is a strategy whose response lengths another subset may have."""
    if name not in MATCHES:
        raise ValueError(f"{setting} must be one of {', '.join(MATCHES)}, got {name}{_suggest(name, MATCHES)}")


def _suggest(name: str, names: Iterable[str]) -> str:
    nearest = get_close_matches(name, names, n=1)
    return f": did you mean {nearest[0]}?" if nearest else ""
