"""What was fixed before the cells ran: hypotheses with their cells and tests, and what a headline needs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from m2m.strategies import UNIT_STRATEGIES

MOST_DIVERSE = 6
Configurations = Sequence[tuple[str, int]]  # strategy and degree


@dataclass(frozen=True)
class Hypothesis:
    """One entry of `analyze.hypotheses`; its cells are `strategies` × `degrees`, and it has a test of each kind.

    slope: the mean slope of `strategies`, minus that of `against`. level: the mean of all its configurations minus
    random. none-above: each configuration minus random; the claim is that none is above.
    """

    claim: str = ""  # in words
    test: Literal["slope", "level", "none-above"] = "slope"
    strategies: tuple[str, ...] = ()
    against: tuple[str, ...] = ()  # slope: strategies whose mean slope is subtracted
    degrees: tuple[int, ...] = ()
    sign: Literal["positive", "negative"] = "positive"  # slope, level: the sign that is claimed
    margin: float | None = None  # none-above: every interval must end below it


class Registration(NamedTuple):
    """All that was fixed before the cells ran, beside the primary outcome and setting."""

    hypotheses: Mapping[str, Hypothesis] = {}
    least_prompts: int = 0  # with a score, in every cell
    other_prompts: Literal["shown", "needed"] = "shown"  # for a headline


NOT_REGISTERED = Registration()


def read_hypotheses(settings: Mapping[str, Mapping[str, Any]]) -> dict[str, Hypothesis]:
    """`analyze.hypotheses` of params.yaml by name. ValueError for one that cannot be tested."""
    lists: dict[str, dict[str, Any]] = {
        name: {key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()}
        for name, entry in settings.items()
    }
    hypotheses = {name: Hypothesis(**entry) for name, entry in lists.items()}
    for name, hypothesis in hypotheses.items():
        check_hypothesis(name, hypothesis)
    return hypotheses


def check_hypothesis(name: str, hypothesis: Hypothesis) -> None:
    """ValueError for a hypothesis that cannot be tested: its name, the rule and the value."""
    strategies, degrees = (*hypothesis.strategies, *hypothesis.against), hypothesis.degrees
    least = 2 if hypothesis.test == "slope" else 1
    strange = [strategy for strategy in strategies if strategy not in UNIT_STRATEGIES]
    has_margin = hypothesis.margin is not None and hypothesis.margin > 0
    rules = (
        (bool(hypothesis.claim.strip()), "claim must say in words what is claimed", hypothesis.claim),
        (bool(hypothesis.strategies), "strategies must name at least one", hypothesis.strategies),
        (not strange, f"a strategy must be one of {', '.join(UNIT_STRATEGIES)}", strange),
        (len(set(strategies)) == len(strategies), "a strategy must stand once, in strategies or against", strategies),
        (len(set(degrees)) == len(degrees) >= least, f"degrees must name {least} or more, each once", degrees),
        (set(degrees) <= set(range(MOST_DIVERSE + 1)), "a degree must be in 0..6", degrees),
        (not hypothesis.against or hypothesis.test == "slope", "against must be empty but for a slope", strategies),
        (has_margin == (hypothesis.test == "none-above"), "margin must be above 0, for none-above", hypothesis.margin),
    )
    for holds, rule, value in rules:
        if not holds:
            raise ValueError(f"analyze.hypotheses.{name}: {rule}, got {value!r}")


def list_registered_cells(hypothesis: Hypothesis) -> Configurations:
    """Strategy and degree of all cells that it is about."""
    strategies = (*hypothesis.strategies, *hypothesis.against)
    return [(strategy, degree) for strategy in strategies for degree in sorted(hypothesis.degrees)]
