"""The numbers that rows of the study have in common."""

from typing import Literal

from typing_extensions import TypedDict  # pydantic asks for this one below Python 3.12

Survival = Literal[
    "still significant",
    "no longer significant",
    "reversed",
    "newly significant",
    "not separable from length",
    "inconclusive",
]
State = Literal["supported", "contradicted", "cannot tell"]


class Place(TypedDict):
    """What a row is about: an outcome, and the setting that its cells share."""

    outcome: str
    condition: str
    size: int


class Reason(TypedDict, total=False):
    """Why a row has no numbers."""

    reason: str


class Configuration(TypedDict):
    """What cells that differ by their seed alone agree in, within a setting."""

    strategy: str
    match: str
    degree: int


class MeanNumbers(TypedDict):
    """The means of a configuration's cells."""

    cells: int
    mean: float
    mean_response_tokens: float
    trained_tokens: float


class EstimateNumbers(Reason, total=False):
    """Student's estimate: 95 % interval, standard error, P(truth > 0), two-sided p, and p after Holm."""

    value: float
    low: float
    high: float
    se: float
    df: int
    positive: float
    p: float
    p_holm: float


class DifferenceNumbers(EstimateNumbers, total=False):
    """A difference of means; `all_low` to `all_high` holds for all rows of its setting together."""

    all_low: float
    all_high: float
    pooled_sd: float
    against_cells: int
    against_mean: float


class PromptNumbers(TypedDict, total=False):
    """95 % intervals of an estimate for other prompts: for these cells only, and for other trainings too."""

    prompts: int
    prompts_only_low: float
    prompts_only_high: float
    both_low: float
    both_high: float
    prompts_reason: str


class CorrelationNumbers(TypedDict, total=False):
    """Correlations with their 95 % intervals, or the reason why there is none."""

    pearson_r: float
    pearson_low: float
    pearson_high: float
    pearson_p: float
    pearson_reason: str
    spearman_r: float
    spearman_low: float
    spearman_high: float
    spearman_p: float
    spearman_reason: str
    partial_r: float
    partial_low: float
    partial_high: float
    partial_p: float
    partial_reason: str


class BandPoint(TypedDict):
    """A point of a fitted line with its 1-sigma band."""

    diversity: float
    middle: float
    low: float
    high: float


class LineNumbers(EstimateNumbers, PromptNumbers, total=False):
    """A straight line: its slope is the difference between degree 6 and degree 0."""

    intercept: float
    residual_sd: float
    band: list[BandPoint]


class DegreeNumbers(Reason, total=False):
    """`p`: all degrees have equal means; `bend_p`: the means lie on a straight line. `worst` and `best` are degrees."""

    degrees: int
    p: float
    p_holm: float
    worst: int
    best: int
    worst_mean: float
    best_mean: float
    noise: float
    bend_p: float


class LengthNumbers(Reason, total=False):
    """The plain slope, the coefficients beside each other, and their variance inflation (null: infinite)."""

    verdict: Survival
    cells: int
    plain: float
    plain_low: float
    plain_high: float
    diversity_inflation: float | None
    diversity_value: float
    diversity_low: float
    diversity_high: float
    diversity_p: float
    diversity_p_holm: float
    length_inflation: float | None
    length_value: float
    length_low: float
    length_high: float
    length_p: float
    trained_tokens_inflation: float | None
    trained_tokens_value: float
    trained_tokens_low: float
    trained_tokens_high: float
    trained_tokens_p: float


class ContrastRow(Reason, total=False):
    """The paper's favourite against one rival; one-sided p of 'not above' and of 'not below'."""

    against: str
    value: float
    low: float
    high: float
    p_above: float
    p_below: float


class ClaimNumbers(Reason, total=False):
    """What became of a claim; `rests_on` names single points without which all points' state does not hold."""

    state: State
    p_supported: float
    p_contradicted: float
    rivals: int
    rivals_untold: int
    contrasts: list[ContrastRow]
    all_points: State
    points: int
    rests_on: list[str]


class PaperNumbers(TypedDict):
    """How far our slopes agree with published ones: signs, and Kendall's τ of the order."""

    paper: str
    strategies: int
    same_sign: int
    sure_of_sign: int
    same_sign_of_sure: int
    tau: float | None
    tau_p: float | None
