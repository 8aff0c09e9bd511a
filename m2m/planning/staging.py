"""The staged grid: many configurations get one seed, the best ones more, the last ones and random fresh seeds."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple, TypeVar

Candidate = TypeVar("Candidate")


class Schedule(NamedTuple):
    """How many configurations each rung keeps, and the seeds of the last one.

    Rung i trains the configurations that are left with seed i. The last rung trains those that all others left with
    `fresh` seeds, and random with the same ones. Only its cells are compared with random: they had no part in the
    choice, so the comparison is as honest as if there had been no other configuration.
    """

    keep: tuple[int, ...]
    fresh: tuple[int, ...]

    def count_cells(self, configurations: int) -> int:
        """All cells of strategies and the last rung's of random.

        >>> Schedule((9, 4, 2), tuple(range(9))).count_cells(27)
        67
        """
        sizes = [configurations, *(min(number, configurations) for number in self.keep)]
        return sum(sizes[:-1]) + (sizes[-1] + 1) * len(self.fresh)


def check_schedule(keep: Sequence[int], fresh: Sequence[int]) -> Schedule:
    """The schedule of the settings `grid.staged`. ValueError with the rule that it breaks."""
    falls = all(first > second for first, second in pairwise(keep))
    if not keep or not falls or keep[-1] < 1:
        raise ValueError(f"grid.staged.keep must be falling numbers of at least 1, such as [9, 4, 2], got {list(keep)}")
    if len(set(fresh)) != len(fresh) or len(fresh) < 2:
        raise ValueError(f"grid.staged.fresh must be two or more different seeds, got {list(fresh)}")
    if early := sorted(set(fresh) & set(range(1, len(keep) + 1))):
        raise ValueError(f"grid.staged.fresh must not contain a seed that chooses, 1 to {len(keep)}, got {early[0]}")
    return Schedule(tuple(keep), tuple(fresh))


def pick_best(outcomes: Mapping[Candidate, Sequence[float]], number: int) -> list[Candidate]:
    """The `number` configurations with the largest mean outcome, the best first; of equals those listed first.

    >>> pick_best({"a": [1.0, 2.0], "b": [3.0, 1.0], "c": [0.0, 0.0]}, 2)
    ['b', 'a']
    """
    means = {configuration: sum(values) / len(values) for configuration, values in outcomes.items()}
    return sorted(means, key=lambda configuration: -means[configuration])[:number]
