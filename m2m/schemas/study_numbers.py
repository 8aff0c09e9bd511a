"""The numbers that rows of the study have in common."""

from typing import Literal

from typing_extensions import TypedDict  # pydantic asks for this one below Python 3.12

Survival = Literal[
    "explained by length",
    "mostly explained by length",
    "not wholly explained by length",
    "not explained by length",
    "reversed at equal length",
    "only at equal length",
    "no plain effect",
    "cannot tell",
    "equal lengths by design",
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
    """Student's estimate: 95 % interval, standard error, P(truth > 0), two-sided p, and p after Holm.

    Seeds and, where there are scores by prompt, prompts are in it.
    """

    value: float
    low: float
    high: float
    se: float
    df: int
    positive: float
    p: float
    p_holm: float


class DifferenceNumbers(EstimateNumbers, total=False):
    """A difference of levels; `all_low` to `all_high` holds for all rows of its setting together.

    `pooled_sd`: the seed noise of a cell within its seed; `seed_correlation`: of two cells of one seed; `shared_rows`:
    the share of rows that two of its seeds have in common, a lower bound unless `overlap_measured`; `no_blocks`: why
    the seed is no block.
    """

    all_low: float
    all_high: float
    pooled_sd: float
    noise_df: int
    seed_correlation: float
    no_blocks: str
    shared_rows: float
    overlap_measured: bool
    against_cells: int
    against_mean: float


class PromptNumbers(TypedDict, total=False):
    """An estimate's 95 % intervals for these cells on other prompts, and for other seeds on these prompts.

    `prompt_groups`: what was drawn, sources, packages or categories where there are ten; else as many as `prompts`.
    """

    prompts: int
    prompt_groups: int
    prompts_only_low: float
    prompts_only_high: float
    seeds_only_low: float
    seeds_only_high: float
    prompts_reason: str


class CorrelationNumbers(TypedDict, total=False):
    """Correlations with their 95 % intervals, or the reason why there is none.

    `without_low` and `without_high`: the ends of Pearson's r when one strategy is left out. `cells_without`: the cells
    of the setting that lack the metric, which are in no point.
    """

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
    without_low: float
    without_high: float
    cells_without: int


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
    """`p`: all degrees have equal means; `bend_p`: the means lie on a straight line; `step_p`: all but the first agree.

    `worst` and `best` are degrees; `shared_rows` is of the least diverse one, a lower bound unless `overlap_measured`.
    """

    degrees: int
    p: float
    p_holm: float
    worst: int
    best: int
    worst_mean: float
    best_mean: float
    noise: float
    shared_rows: float
    overlap_measured: bool
    bend_p: float
    step_p: float


class LengthNumbers(Reason, total=False):
    """The plain slope, and the one at equal length, with their 95 % intervals."""

    verdict: Survival
    cells: int
    plain: float
    plain_low: float
    plain_high: float
    diversity_value: float
    diversity_low: float
    diversity_high: float
    diversity_p: float
    diversity_p_holm: float


class ContrastRow(Reason, total=False):
    """The paper's favourite against one rival; one-sided p of 'not above' and of 'not below'."""

    against: str
    value: float
    low: float
    high: float
    p_above: float
    p_below: float


class ClaimNumbers(Reason, total=False):
    """What became of a claim; `rests_on` names the strategies without which all points' state does not hold."""

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
