"""Tables of one cell → its metrics: one flat record, every name used once."""

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import polars as pl

from m2m.arrays import flatten_lists, stack_vectors
from m2m.cell.gains import (
    calculate_bits_per_byte,
    calculate_wins_by_reference,
    estimate_bpb_reduction,
    estimate_win_rate,
)
from m2m.diversity.embedding_spread import vendi_score
from m2m.diversity.metrics import measure_side
from m2m.diversity.unit_coverage import count_mid_types, count_units, unit_coverage, unit_evenness
from m2m.judging.protocols.protocols import PROTOCOLS, parse_verdicts
from m2m.judging.scoring.games import score_by_prompt
from m2m.judging.scoring.leaderboard import PublishedAnnotations, score_llm_judges
from m2m.schemas.cell import MADE_WITH, CellMetrics
from m2m.selection.novelty import measure_density, novel_sum
from m2m.strategies import SIDES

UNTUNED = {"base": "untuned"}  # metrics/base.json has the name base_bits_per_byte, of other text


def measure_worth(
    prompts: pl.DataFrame,
    verdicts: pl.DataFrame,
    answers: Mapping[str, pl.DataFrame],
    seed: int,
    resamples: int,
    published: PublishedAnnotations | None = None,
) -> dict[str, Any]:
    """The bpb reduction and win rates over the opponent; `answers` holds the arms base, opponent and candidate.

    Intervals are 95 %, from a seeded bootstrap over prompts only, as their names say: training noise is not in them.
    Prompts without a reference have no bits. Several benchmarks have a metric each beside the pooled ones.
    """
    record: dict[str, Any] = {
        f"{UNTUNED.get(arm, arm)}_bits_per_byte": calculate_bits_per_byte(table)
        for arm, table in answers.items()
        if _has_bits(table)
    }
    for suffix, group in split_by_benchmark(prompts).items():
        group_answers = {arm: table.join(group, on="id", how="semi") for arm, table in answers.items()}
        group_verdicts = verdicts.join(group, on="id", how="semi")
        record |= _measure_group(group, group_verdicts, group_answers, suffix, seed, resamples, published)
    plain = verdicts.filter(pl.col("opponent") == "opponent", pl.col("engine") == "likelihood")
    return record | {
        f"likelihood_win_rate_{size}": rate for size, rate in calculate_wins_by_reference(plain, prompts).items()
    }


def split_by_benchmark(prompts: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """All prompts, and of several benchmarks those of each with two at least, by the ends of their metrics' names."""
    counts = prompts.group_by("benchmark").len()
    large = counts.filter(pl.col("len") > 1)["benchmark"].sort().to_list() if counts.height > 1 else []
    return {"": prompts} | {f"_{name}": prompts.filter(pl.col("benchmark") == name) for name in large}


def name_win_rate(engine: str, opponent: str) -> str:
    """The metric of how often judge `engine` prefers the candidate to `opponent`, the arm or a benchmark's baseline."""
    rate = "likelihood_win_rate" if engine == "likelihood" else f"{engine.replace('-', '_')}_win_rate"
    return rate if opponent == "opponent" else f"{rate}_over_{opponent}"


def split_metrics(record: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The metrics that are compared between cells, in reading order, and all others."""
    compared = {name: record[name] for name in CellMetrics.model_fields if name in record}
    return compared, {name: record[name] for name in sorted(set(record) - set(compared))}


def summarize_selection(
    summaries: Mapping[str, Mapping[str, Any]], trainings: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """What was chosen, by which settings, and trained on: the candidate's summary, and the lengths of both arms."""
    names = (
        *MADE_WITH,
        "k",
        "k_min",
        "k_max",
        "candidate_rows",
        "rows",
        "rows_without_unit",
        "units_covered",
        "k_evenness",
    )
    optional = (
        "overlapping_rows_dropped",
        "rows_without_quality",
        "rows_below_quality",
        "rows_unlike_examples",
        "seed_overlap",
    )
    record: dict[str, Any] = {name: summaries["candidate"][name] for name in names}
    record |= {name: summaries["candidate"][name] for name in optional if name in summaries["candidate"]}
    for arm, prefix in (("candidate", ""), ("opponent", "opponent_")):
        record[f"{prefix}mean_response_tokens"] = summaries[arm]["mean_response_tokens"]
        record |= {f"{prefix}{name}": trainings[arm][name] for name in ("trained_tokens", "lost_tokens")}
    return record


def measure_coverage(
    ids: pl.Series,
    units: Mapping[str, pl.DataFrame],
    types: Mapping[str, Collection[str]],
    bands: Mapping[str, pl.DataFrame],
) -> dict[str, float]:
    """What the rows `ids` cover: of the units of every strategy in `units`, and of each side's mid-band types.

    `types` are the token types of the rows' texts, `bands` the token-band tables, both by side. A strategy without
    units has no coverage: its names are left out.
    """
    record: dict[str, float] = {f"{side}_mid_types": count_mid_types(types[side], bands[side]) for side in types}
    for strategy, table in units.items():
        if table.height:
            counts, name = count_units(table, ids), strategy.replace("-", "_")
            record |= {f"{name}_coverage": unit_coverage(counts), f"{name}_evenness": unit_evenness(counts)}
    return record


def count_overlaps(ids: pl.Series, overlaps: pl.DataFrame) -> dict[str, int]:
    """How many of the subset's rows `ids`, and of the whole pool, share text with an evaluation prompt."""
    rows = overlaps["id"].unique()
    return {"overlapping_rows": int(rows.is_in(ids.implode()).sum()), "overlapping_pool_rows": len(rows)}


def measure_diversity(
    pairs: pl.DataFrame, tokens: Mapping[str, pl.DataFrame], vectors: Mapping[str, pl.DataFrame]
) -> dict[str, float]:
    """The diversity metrics of the chosen `pairs` on both sides; `tokens` and `vectors` by side, as in schemas."""
    record: dict[str, float] = {}
    for side in SIDES:
        ids = pairs.select("id").sort("id")
        rows = ids.join(tokens[side], on="id", how="left", validate="1:1", maintain_order="left")
        texts = ids.join(pairs, on="id", how="left", maintain_order="left")[side].to_list()
        points = ids.join(vectors[side], on="id", how="left", validate="1:1", maintain_order="left")
        measured = measure_side(*flatten_lists(rows["tokens"]), texts, stack_vectors(points["vector"]))
        record |= {f"{side}_{name}": value for name, value in measured.items()}
    return record


def measure_novelty(ids: pl.Series, vectors: Mapping[str, pl.DataFrame]) -> dict[str, float]:
    """NovelSum of the rows `ids` on both sides; `vectors` are the pool's, by side, and give the rows' density.

    The same pool has the same references, whatever the subset.
    """
    record = {}
    for side in SIDES:
        pool = vectors[side].sort("id")
        rows = np.flatnonzero(pool["id"].is_in(ids.implode()).to_numpy())
        points = stack_vectors(pool["vector"])
        density = measure_density(points, np.random.default_rng(0), rows)
        record[f"{side}_novel_sum"] = novel_sum(points[rows], density)
    return record


def measure_gradients(gradients: pl.DataFrame) -> dict[str, float]:
    """G-Vendi: the Vendi score of the subset's gradients (schema Vectors); nothing where none were measured.

    Jung et al. 2025, "Prismatic Synthesis" (arXiv 2505.20161).
    """
    return {"response_g_vendi": vendi_score(stack_vectors(gradients["vector"]))} if gradients.height else {}


def _measure_group(
    prompts: pl.DataFrame,
    verdicts: pl.DataFrame,
    answers: Mapping[str, pl.DataFrame],
    suffix: str,
    seed: int,
    resamples: int,
    published: PublishedAnnotations | None,
) -> dict[str, Any]:
    record: dict[str, Any] = {}
    for name, figure in score_llm_judges(verdicts, prompts, answers, published, seed, resamples).items():
        record |= _interval(f"{name}{suffix}", figure) if isinstance(figure, tuple) else {f"{name}{suffix}": figure}
    if _has_bits(answers["candidate"]):
        saved = estimate_bpb_reduction(answers["candidate"], answers["opponent"], seed, resamples)
        record |= _interval(f"bpb_reduction{suffix}", saved)
    offline = verdicts.filter(~pl.col("engine").is_in(PROTOCOLS))
    for (engine, name), games in offline.group_by("engine", "opponent", maintain_order=True):
        rate = name_win_rate(str(engine), str(name)) + suffix
        read = parse_verdicts(games, str(engine))
        scores = score_by_prompt(read, str(engine)).sort("id")
        record |= {f"{rate}_missing": read["won"].null_count()}
        if scores.height > 1:
            record |= _interval(rate, estimate_win_rate(scores["score"].to_numpy(), seed, resamples))
    return record


def _has_bits(answers: pl.DataFrame) -> bool:
    return answers["bits"].count() > 1  # an interval over prompts needs two


def _interval(name: str, estimate: tuple[float, float, float]) -> dict[str, float]:
    value, low, high = estimate
    return {name: value, f"{name}_prompts_only_low": low, f"{name}_prompts_only_high": high}
