"""The study → which subset to take, how much it gains over random, and how certain that is."""

import math
import shlex
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from scipy import stats

from m2m.planning.power import TARGET_POWER, find_fresh_seeds, widen_prompts
from m2m.planning.seed_noise import ALPHA, SeedNoise
from m2m.schemas.study import Study
from m2m.schemas.study_numbers import Place
from m2m.schemas.study_rows import AgainstRandomRow, FloorRow, SettingRow
from m2m.strategies import NO_DEGREE, get_strategy
from m2m.study.analysis.headline import EXPLORATORY, describe_length_control, doubt_interval
from m2m.study.analysis.ranking import Ranking, describe_refused, list_comparisons, rank_configurations
from m2m.study.cells.labels import (
    UNDER,
    describe_borrowed_random,
    format_difference,
    format_interval,
    format_p,
    format_shared_rows,
    label_setting,
    name_configuration,
    select_place,
    select_rows,
)
from m2m.study.cells.outcomes import get_unit

SHOWN_ROWS = 5
SELECT_DEFAULTS = {"weights": "inverse", "slack": 1.5, "lengths": "free", "peel_noise": 0.25}  # of `m2m select`
NO_LIMITS = (1, 100_000)  # response tokens: no row has fewer or more
LEAST_GAIN = 0.0005  # a smaller one is printed as 0.000, and nobody needs seeds to find it
NOISE_MULTIPLE = 3  # times the seed noise: two trainings of one subset differ by more in one of thirty cases
SETTLING_SEED, MOST_SETTLING_SEEDS = 201, 60  # above it, a grid is no answer
SEEDS_ALONE = "These intervals cover other seeds alone."
FRESH = "These seeds are fresh: they had no part in the choice."
ROW_STAGES = ("band@instruction", "band@response", "subset@candidate")  # what makes rows that can be exported


class Recommendation(NamedTuple):
    """What to take in one setting: the answer and its reasons, the largest gains, and what is worse than random."""

    setting: str
    sentences: list[str]  # the answer first; at most 25 words each
    rows: list[AgainstRandomRow]  # the best, and the largest gains
    command: str  # makes the recommended rows, whatever params.yaml has; empty where nothing is recommended
    worse: list[AgainstRandomRow]  # significant after Holm, the worst first
    compared: list[AgainstRandomRow]  # all that were compared, the largest gain first
    grid: list[str]  # the block of params.yaml that would settle it; empty where it is settled, or would take too long
    own_file: str  # makes such rows of a person's own file; empty where nothing is recommended


def recommend(study: Study, outcome: str) -> list[Recommendation]:
    """A recommendation a setting. ValueError for an outcome that the study does not have."""
    if outcome not in study["outcomes"]:
        raise ValueError(f"outcome must be one of {', '.join(study['outcomes'])}, got {outcome}")
    return [_recommend(study, setting, outcome) for setting in study["settings"]]


def write_paragraphs(study: Study, outcome: str) -> list[str]:
    """The recommendations in words, a paragraph a setting: for a page. Beside registered hypotheses they say less."""
    items = recommend(study, outcome)
    paragraphs = [" ".join([f"{item.setting}.", *item.sentences, *_count_worse(item)]) for item in items]
    return [*([EXPLORATORY] if study.get("hypotheses") else []), *paragraphs]


def tabulate_gains(recommendation: Recommendation) -> list[str]:
    """Lines of plain text, columns aligned: random, then each configuration with its gain, tokens, cost and seeds.

    The cost is the number of response tokens that are trained on, beside random's: a share. Shared rows are those that
    two of its seeds have in common: the more, the less its seeds are replicates.
    """
    rows = recommendation.rows
    if not rows:
        return []
    unit = get_unit(rows[0]["outcome"])
    table = [
        ("configuration", f"gain {unit}", "95 % CI", "response tokens", "cost", "seeds", "shared rows"),
        ("random", "", "", f"{rows[0]['random_response_tokens']:.0f}", "1.00", str(rows[0]["against_cells"]), ""),
        *(
            (
                name_configuration(row),
                format_difference(row["value"]),
                format_interval(row, "all_low", "all_high"),
                f"{row['mean_response_tokens']:.0f}",
                f"{_compute_cost(row):.2f}",
                str(row["cells"]),
                format_shared_rows(row),
            )
            for row in rows
        ),
    ]
    widths = [max(len(line[column]) for line in table) for column in range(7)]
    return ["  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in table]


def list_level(recommendation: Recommendation, within: float | None) -> list[str]:
    """A heading and a line a configuration whose 95 % CI lies within ± `within` of random; nothing if there is none.

    Without `within` it is three times the seed noise: what a training of the same subset may gain or lose by chance.
    """
    if not recommendation.compared:
        return []
    margin = within if within is not None else NOISE_MULTIPLE * recommendation.compared[0]["pooled_sd"]
    rows = [row for row in recommendation.compared if max(-row["low"], row["high"]) <= margin]
    source = "" if within is not None else f", {NOISE_MULTIPLE} × the seed noise"
    lines = [f"{name_configuration(row)}  {format_interval(row)}" for row in rows]
    return [f"Level with random, 95 % CI within ±{margin:.3f}{source}, {len(lines)}:", *lines] if lines else []


def compare_settings(study: Study, outcome: str) -> list[str]:
    """A sentence a setting whose random subsets were judged beside those of the first setting: what it costs.

    A setting has the same opponent if it has the first one's size, budget, weights and slack.
    """
    first, *others = study["settings"]
    comparable = [row for row in others if _get_opponent(row) == _get_opponent(first)]
    floors = {
        row["condition"]: row for row in select_rows(study["floors"], {"outcome": outcome, "size": first["size"]})
    }
    compared = [
        row
        for row in study["against_random"]
        if row["outcome"] == outcome and row["size"] == first["size"] and "pooled_sd" in row
    ]
    base = floors.get(first["condition"])
    if base is None or "reason" in base or not compared:
        return []
    sd, df = compared[0]["pooled_sd"], compared[0]["noise_df"]
    return [
        _compare_floors(floors[row["condition"]], base, label_setting(row, study["settings"]), sd, df)
        for row in comparable
        if "mean" in floors.get(row["condition"], {})
    ]


def list_worse(recommendation: Recommendation) -> list[str]:
    """A heading and a line a configuration that is significantly worse than random; nothing where there is none."""
    lines = [f"{name_configuration(row)}  {format_difference(row['value'])}" for row in recommendation.worse]
    return [f"Significantly worse than random (Holm), {len(lines)}:", *lines] if lines else []


def _compute_cost(row: AgainstRandomRow) -> float:
    """Trained response tokens beside random's; under a token budget both have the same."""
    is_tokens = row["condition"].startswith("tokens")
    return 1.0 if is_tokens else row["mean_response_tokens"] / row["random_response_tokens"]


def _get_opponent(setting: SettingRow) -> tuple[int, str, str, float]:
    """The settings that an opponent follows."""
    return setting["size"], setting["budget"], setting["weights"], setting["slack"]


def _compare_floors(row: FloorRow, base: FloorRow, label: str, sd: float, df: int) -> str:
    se = sd * math.sqrt(1 / row["cells"] + 1 / base["cells"])
    value, half = row["mean"] - base["mean"], float(stats.t.isf(ALPHA / 2, df)) * se
    p = float(2 * stats.t.sf(abs(value) / se, df))
    interval = format_interval({"low": value - half, "high": value + half})
    return (
        f"Random, {label}: {format_difference(value)} {get_unit(row['outcome'])} "
        f"(95 % CI {interval}, p {format_p(p)}, {row['cells']} cells)."
    )


def _count_worse(recommendation: Recommendation) -> list[str]:
    number = len(recommendation.worse)
    noun = "configuration is" if number == 1 else "configurations are"
    return [f"{number} {noun} significantly worse than random."] if number else []


def _recommend(study: Study, setting: SettingRow, outcome: str) -> Recommendation:
    rows = select_place(study, Place(outcome=outcome, condition=setting["condition"], size=setting["size"]))
    screened, ranking = rank_configurations(rows["against_random"]), rank_configurations(list_comparisons(rows))
    label = label_setting(setting, study["settings"])
    if not ranking.compared:
        reasons = ranking.reasons or ["only random was run: run a strategy to compare with it"]
        return Recommendation(label, [f"No recommendation: {reason}." for reason in reasons], [], "", [], [], [], "")
    sentences = _take_best(rows, ranking) if ranking.better else _take_random(ranking)
    sentences += filter(None, [describe_borrowed_random(ranking.best), *describe_refused(list_comparisons(rows))])
    taken = ranking.best if ranking.better else None
    command, own_file = _write_command(taken, setting), _write_selection(taken, setting)
    grid = [] if ranking.better else _write_grid(ranking, setting)
    worse = screened.worse[::-1]
    return Recommendation(label, sentences, _pick_rows(ranking), command, worse, screened.compared, grid, own_file)


def _pick_rows(ranking: Ranking) -> list[AgainstRandomRow]:
    runners_up = [row for row in ranking.compared if row is not ranking.best]
    return sorted([ranking.best, *runners_up[: SHOWN_ROWS - 1]], key=lambda row: -row["value"])


def _take_best(study: Study, ranking: Ranking) -> list[str]:
    best = ranking.best
    return [
        f"Take {name_configuration(best)}: {format_difference(best['value'])} {get_unit(best['outcome'])} over random "
        f"(95 % CI {format_interval(best, 'all_low', 'all_high')}; {len(ranking.compared)} compared).",
        f"Holm p {format_p(best['p_holm'])}, from {best['cells']} seeds against {best['against_cells']} of random.",
        *([FRESH] if best in study.get("confirmed", []) else []),
        *_check_prompts(best),
        *_count_equals(best, ranking.compared),
        *_check_length(study, best),
    ]


def _take_random(ranking: Ranking) -> list[str]:
    best = ranking.best
    return [
        f"Take random: nothing beats it (best: {name_configuration(best)}, {format_difference(best['value'])} "
        f"{get_unit(best['outcome'])}, 95 % CI {format_interval(best, 'all_low', 'all_high')}; "
        f"{len(ranking.compared)} compared).",
        *doubt_interval(best),
        *_count_seeds(best, len(ranking.compared)),
    ]


def _count_seeds(best: AgainstRandomRow, comparisons: int) -> list[str]:
    if "prompts_reason" in best:
        return [SEEDS_ALONE]
    if best["value"] < LEAST_GAIN or best["pooled_sd"] <= 0:
        return []
    seeds = _compute_seeds(best, comparisons)
    if seeds is None:
        return ["If the true effect is this size, more seeds cannot show it on these prompts: judge on more of them."]
    power = f"{TARGET_POWER:.0%}".replace("%", " %")
    return [f"If the true effect is this size, about {seeds} seeds per arm give {power} power."]


def _compute_seeds(best: AgainstRandomRow, comparisons: int) -> int | None:
    """Seeds an arm for 80 % power at the level that `comparisons` leave (normal approximation).

    None where the noise of the prompts alone is too large: no seed lowers it.
    """
    z = stats.norm.isf(ALPHA / 2 / comparisons) + stats.norm.isf(1 - TARGET_POWER)
    noise = _get_noise(best)
    variance = (best["value"] / z) ** 2 - noise.prompt_sd**2
    return math.ceil(2 * noise.sd**2 / variance) if variance > 0 else None


def _write_grid(ranking: Ranking, setting: SettingRow) -> list[str]:
    """The block `grid` in YAML: the largest gain alone, with fresh seeds against random.

    It is one comparison, named beforehand, so it needs fewer seeds than the study did. But the same prompts had a part
    in naming it, so their noise is widened for all that were compared. Empty where it is unknown.
    """
    best = ranking.best
    if "prompts_reason" in best or best["value"] < LEAST_GAIN or best["pooled_sd"] <= 0:
        return []
    noise = _get_noise(best)
    widened = noise._replace(prompt_sd=noise.prompt_sd * widen_prompts(len(ranking.compared), 1))
    schedule = find_fresh_seeds((1,), 1, widened, best["value"])
    if schedule is None or len(schedule.fresh) > MOST_SETTLING_SEEDS:
        return []
    fresh = ", ".join(str(SETTLING_SEED + number) for number in range(len(schedule.fresh)))
    lists = _list_flags(best) | _list_settings(setting)
    head = ["grid:", "  staged:", "    keep: [1]", f"    fresh: [{fresh}]", "  parts:", "    settle:"]
    return [*head, *(f"      {name}: [{value}]" for name, value in lists.items())]


def _get_noise(best: AgainstRandomRow) -> SeedNoise:
    """The seed noise, and what prompts add to this comparison."""
    noise = SeedNoise(best["pooled_sd"], 0.0, best["noise_df"])
    if "seeds_only_low" not in best:
        return noise
    half = (best["seeds_only_high"] - best["seeds_only_low"]) / 2
    prompts = best["se"] ** 2 - (half / float(stats.t.isf(ALPHA / 2, best["noise_df"]))) ** 2
    return noise._replace(prompt_sd=math.sqrt(max(0.0, prompts)), prompt_groups=best["prompt_groups"])


def _check_prompts(best: AgainstRandomRow) -> list[str]:
    if "prompts_reason" in best:
        return [SEEDS_ALONE]
    if "prompts_only_low" not in best:
        return []
    ends = format_interval(best, "prompts_only_low", "prompts_only_high")
    doubt = [] if best["prompts_only_low"] > 0 else ["So the gain may not hold on other prompts."]
    return [f"The same models on other prompts of these sources: 95 % CI {ends}.", *doubt]


def _count_equals(best: AgainstRandomRow, compared: Sequence[AgainstRandomRow]) -> list[str]:
    equals = [row for row in compared if row is not best and row["value"] > best["value"] - _find_margin(best, row)]
    if not equals:
        return []
    verb = "other configuration does" if len(equals) == 1 else "other configurations do"
    return [f"{len(equals)} {verb} not differ significantly from it."]


def _find_margin(first: AgainstRandomRow, second: AgainstRandomRow) -> float:
    """The smallest difference of two means that is significant at two-sided 5 %, with the prompts' noise of `first`."""
    noise = _get_noise(first)
    variance = noise.sd**2 * (1 / first["cells"] + 1 / second["cells"]) + noise.prompt_sd**2
    return float(stats.t.isf(ALPHA / 2, first["df"])) * math.sqrt(variance)


def _check_length(study: Study, best: AgainstRandomRow) -> list[str]:
    sentences = [
        f"Its responses have {best['mean_response_tokens']:.0f} tokens on average, "
        f"random's {best['random_response_tokens']:.0f}."
    ]
    matched = select_rows(study["matched"], {"strategy": best["strategy"], "degree": best["degree"]})
    for row in [row for row in matched if "p_holm" in row]:
        verdict = "significantly better than" if row["value"] > 0 else "significantly worse than"
        verdict = verdict if row["p_holm"] < ALPHA else "not significantly different from"
        gain = f"{format_difference(row['value'])} {get_unit(row['outcome'])}, 95 % CI {format_interval(row)}"
        sentences.append(f"It is {verdict} length-matched random ({gain}).")
    control = describe_length_control(study["lengths"], best["strategy"])
    return [*sentences, control.replace("With", f"Slope of {best['strategy']} with", 1)] if control else sentences


def _write_command(row: AgainstRandomRow | None, setting: SettingRow) -> str:
    """The command for a configuration's rows, or those of random; nothing is trained for them."""
    flags = (_list_flags(row) if row else {"strategy": "random"}) | _list_settings(setting)
    flags |= {} if row else {"lengths": "free"}  # random has its own lengths in every setting
    overrides = [flag for name, value in flags.items() for flag in ("-S", f"subset.{name}={value}")]
    return shlex.join(["dvc", "exp", "run", *ROW_STAGES, *overrides])


def _write_selection(row: AgainstRandomRow | None, setting: SettingRow) -> str:
    """`m2m select` with the configuration's settings, of those that are not its defaults; empty where it has it not."""
    flags = _list_flags(row) if row else {"strategy": "random"}
    strategy = get_strategy(str(flags["strategy"]))
    if "prefilter" in setting or strategy.base_pass or strategy.needs_examples or strategy.needs_quality:
        return ""
    size = {"tokens" if setting["budget"] == "tokens" else "size": setting["size"]}
    settings, (least, most) = _list_settings(setting), NO_LIMITS
    limits = {"min_tokens": setting["min_tokens"]} if setting["min_tokens"] > least else {}
    limits |= {"max_tokens": setting["max_tokens"]} if setting["max_tokens"] < most else {}
    names = SELECT_DEFAULTS if row else ()  # random reads none of them
    changed = {name: settings[name] for name in names if settings[name] != SELECT_DEFAULTS[name]}
    flagged = {**size, **flags, **limits, **changed}
    words = [word for name, value in flagged.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    return shlex.join(["python", "-m", "m2m", "select", "my.jsonl", *words])


def _list_flags(row: AgainstRandomRow) -> dict[str, object]:
    """The settings of `subset` that name a configuration."""
    flags: dict[str, object] = {"strategy": row["strategy"]}
    if row["strategy"] == "length-matched":
        flags["match"] = row["match"]
    if row["strategy"] not in NO_DEGREE:
        flags["degree"] = row["degree"]
    return flags


def _list_settings(setting: SettingRow) -> dict[str, object]:
    """The settings of `subset` that cells of `setting` share."""
    settings: Mapping[str, object] = {"lengths": "free", "peel_noise": 0.0, **setting}
    prefilter = [name for name in ("prefilter", "prefilter_share") if name in setting]
    return {name: settings[name] for name in ("size", *UNDER, *prefilter)}
