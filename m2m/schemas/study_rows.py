"""A row of each analysis of the study; a row without numbers has a `reason`."""

from typing import Literal, NotRequired

from typing_extensions import TypedDict

from m2m.schemas.study_numbers import (
    ClaimNumbers,
    Configuration,
    CorrelationNumbers,
    DegreeNumbers,
    DifferenceNumbers,
    EstimateNumbers,
    LengthNumbers,
    LineNumbers,
    MeanNumbers,
    PaperNumbers,
    Place,
    PromptNumbers,
    Reason,
)

HypothesisState = Literal["confirmed", "contradicted", "undecided", "not tested"]


class SettingRow(TypedDict):
    """A setting and the cells that were run under it."""

    condition: str
    size: int
    cells: int
    random_cells: int
    budget: str
    min_tokens: int
    max_tokens: int
    weights: str
    slack: float
    lengths: NotRequired[Literal["as-random"]]
    peel_noise: NotRequired[float]
    prefilter: NotRequired[str]
    prefilter_share: NotRequired[float]
    strategies: list[str]


class FloorNumbers(Reason, total=False):
    """The seed noise of random, the 95 % prediction interval of one further random cell, and the cells outside it."""

    mean: float
    sd: float
    low: float
    high: float
    cells: int
    judged: int
    outside: list[str]


class FloorRow(Place, FloorNumbers):
    """How much random cells differ."""


class LevelNumbers(DifferenceNumbers, PromptNumbers, total=False):
    """A difference of two configurations' levels, with the noise of seeds and prompts."""


class AgainstRandomNumbers(LevelNumbers, total=False):
    """A configuration's mean − the mean of the random cells of `random_condition`."""

    random_condition: str
    random_response_tokens: float


class AgainstRandomRow(Place, Configuration, MeanNumbers, AgainstRandomNumbers):
    """A configuration against random."""


class MatchedRow(Place, MeanNumbers, LevelNumbers):
    """A degree of a strategy against random rows matched to its response lengths."""

    strategy: str
    degree: int


class SlopeRow(Place, LineNumbers, CorrelationNumbers):
    """A strategy's outcome against its diversity."""

    strategy: str
    cells: int


class ShapeRow(Place, DegreeNumbers):
    """How the outcome depends on a strategy's degree, whether on a straight line or not."""

    strategy: str


class LengthRow(Place, LengthNumbers):
    """What is left of a strategy's slope when length is controlled."""

    strategy: str
    model: Literal["own", "shared"]


class MetricRow(Place, CorrelationNumbers):
    """A diversity metric against the outcome, over configurations; the published correlation beside it."""

    metric: str
    paper: float | None
    points: int


class ClaimRow(Place, ClaimNumbers):
    """A claim of the paper."""

    claim: str
    words: str


class PaperRow(Place, PaperNumbers):
    """Our slopes beside the published ones of one size."""


class FamilyNumbers(EstimateNumbers, PromptNumbers, total=False):
    """A registered test: the noise of seeds alone decides; prompts stand beside it.

    `all_low` to `all_high` holds for all configurations of its hypothesis together.
    """

    all_low: float
    all_high: float


class FamilyRow(FamilyNumbers):
    """One test of the registered family."""

    hypothesis: str
    test: str


class HypothesisRow(FamilyNumbers):
    """A registered hypothesis and what became of it; `test` is the test of the family that its numbers are of.

    `tests` of the family are its own, `compared` of them have run. `headline`: it is decided, and where that was
    registered it holds on other prompts too.
    """

    name: str
    claim: str
    state: HypothesisState
    headline: bool
    tests: int
    compared: int
    test: NotRequired[str]
    words: str


class VerdictRow(Place):
    """The answer in words, and the sentences that say what it rests on."""

    role: Literal["primary", "exploratory"]
    headline: str
    sentences: list[str]
