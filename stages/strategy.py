"""The strategy of an arm → its properties; a name that is not a strategy ends the run here, with the names."""

from pathlib import Path

from m2m.runtime.artifacts import write_json
from m2m.runtime.cli import run
from m2m.strategies import get_strategy, require_match, require_prefilter


def main(record: Path, /, *, strategy: str, match: str, prefilter: str) -> None:
    """DVC looks for the table of a strategy before `subset` runs: this stage comes first and names the strategies."""
    entry = get_strategy(strategy)
    if entry.follows_match:
        require_match(match)
    require_prefilter(prefilter, 1.0)
    write_json(record, {"strategy": strategy, **entry._asdict()})


if __name__ == "__main__":
    run(main)
