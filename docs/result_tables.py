"""The committed results in metrics/ as Markdown tables, by the name that a page's marker holds."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path

import polars as pl

from docs.markdown import number_table
from m2m.grid.design import list_cells
from m2m.grid.named_parts import PoolCounts, list_selectors, make_bake_off_parts
from m2m.grid.params.params_file import read_settings
from m2m.runtime.artifacts import read_table
from m2m.schemas.grid import Grid
from m2m.strategies import NO_DEGREE, STRATEGIES
from m2m.study.bake_off.comparison import BakeOff
from m2m.study.bake_off.words import SELECTOR_HEADER, list_table_rows, write_answer
from m2m.study.domains.target_words import TARGET_HEADER, list_target_rows, write_target_answer
from m2m.study.domains.words import DOMAIN_HEADER, list_domain_rows, write_domains_answer
from m2m.study.sizes.curves import CURVE_SEED, fit_curves
from m2m.study.sizes.words import write_sizes_answer

METRICS, DEVELOPMENT, SELECTION = Path("metrics"), Path("metrics/development"), Path("metrics/selection")
SMOLLM2 = Path("metrics/smollm2")
BAKE_OFF, CHANGED = "bake-off", "bake-off-changed"  # the second of selectors whose rules changed after the first
NOT_RUN = "**The bake-off has not been run**: there is no `metrics/bake-off/bake_off.json`. Run `make bakeoff`."
NO_POOL = PoolCounts(0, 1.0)  # the number of cells does not follow from it
NO_LIMIT = 100_000  # subset.max_tokens without a length window


def make_result_tables() -> dict[str, str]:
    """Every table by name."""
    return {name: make() for name, make in TABLES.items()}


def tabulate_ends() -> str:
    """The default study in a few lines, for the README."""
    cells = _configurations(METRICS).filter(pl.col("budget") == "rows", pl.col("max_tokens") == NO_LIMIT)
    micro, ends = pl.col("strategy") == "response-micro", pl.col("degree").is_in([0, 6])
    shown = pl.concat(
        [
            cells.filter(pl.col("strategy") == "random"),
            cells.filter(micro, ends, pl.col("lengths") == "as-random"),
            cells.filter(micro, ends, pl.col("lengths") == "free"),
            cells.filter(pl.col("strategy") == "length-matched", pl.col("degree") == 0),
        ]
    )
    header = ("500 rows", "cells", "bpb reduction", "seed noise (sd)", "likelihood win rate", "response tokens per row")
    return number_table(header, [_cell_row(row)[:6] for row in shown.to_dicts()])


def tabulate_configurations(folder: Path) -> str:
    """Every configuration of a study."""
    header = (
        "configuration",
        "cells",
        "bpb reduction",
        "seed noise (sd)",
        "likelihood win rate",
        "response tokens per row",
    )
    rows = [_cell_row(row) for row in _configurations(folder).to_dicts()]
    return number_table((*header, "trained tokens"), rows)


def tabulate_base_model() -> str:
    """How well the base model compresses held-out documentation."""
    base = json.loads((METRICS / "base.json").read_text())
    rows = [
        ("base model", f"{base['base_bits_per_byte']:.2f}", f"{base['base_parameters']:,}"),
        ("gzip −9", f"{base['gzip_bits_per_byte']:.2f}", "–"),
    ]
    return number_table(("held-out documentation", "bits per byte", "parameters"), rows)


def tabulate_entropy() -> str:
    """Response entropy, types and length of response-micro at the paper's size, and of random rows."""
    table = pl.read_csv(SELECTION / "subsets.csv", infer_schema_length=None)
    table = table.filter(pl.col("name") == "rows", pl.col("weights") == "inverse", pl.col("size") == 10_000)
    micro = table.filter(pl.col("strategy") == "response-micro").sort("degree")
    random = table.filter(pl.col("strategy") == "random").head(1)
    rows = [
        (
            f"degree {row['degree']}" if row["strategy"] == "response-micro" else "random",
            f"{row['k']:,}" if row["strategy"] == "response-micro" else "–",
            f"{row['mean_response_tokens']:.1f}",
            f"{row['response_token_entropy']:.2f}",
            f"{row['mid_types']:,}",
        )
        for row in pl.concat([random, micro]).to_dicts()
    ]
    return number_table(("10,000 rows", "units k", "response tokens per row", "entropy, bits", "mid-band types"), rows)


def tabulate_entropy_rise() -> str:
    """The rise of response entropy from degree 0 to 6, and how much of it length explains."""
    table = pl.read_csv(SELECTION / "rise.csv").filter(pl.col("figure") == "response_token_entropy")
    settings = {"rows": "10,000 rows", "tokens": "800,000 tokens", "window": "responses of 50–200 tokens"}
    rows = [
        (
            f"{settings[row['name']]}, {row['weights']} weights",
            *(f"{row[name]:.2f}" for name in ("at_0", "at_6")),
            *(f"{row[name]:+.2f}" for name in ("rise", "rise_of_matched", "left")),
            f"{row['steps_up']} of {row['steps']}",
        )
        for row in table.to_dicts()
    ]
    header = ("setting", "degree 0", "degree 6", "rise", "of it length", "remaining", "steps that rise")
    return number_table(header, rows)


def tabulate_units() -> str:
    """Units of each strategy at the paper's size."""
    table = pl.read_csv(SELECTION / "units.csv").filter(pl.col("size") == 10_000)
    rows = [
        (
            row["strategy"],
            f"{row['units_a_row']:.2f}",
            f"{row['rows_without_unit']:,}",
            f"{row['k_min']:,}",
            f"{row['k_max']:,}",
        )
        for row in table.to_dicts()
    ]
    return number_table(("10,000 of 123,382 rows", "units per row", "rows without a unit", "k_min", "k_max"), rows)


def write_bake_off_answer() -> str:
    """The bake-off's answer in sentences and its figure, or that it has not been run."""
    record = _read_bake_off()
    if not record:
        return NOT_RUN
    return "\n".join(f"- {sentence}" for sentence in write_answer(record)) + _show("bake-off/bake_off.svg", "gains")


def write_bake_off_plan() -> str:
    """What the default settings compare, and how many cells that takes."""
    settings = read_settings(Path("params.yaml"))
    every, few = (
        len(list_cells(make_bake_off_parts(settings, NO_POOL, (), seeds), settings["subset"], "full"))
        for seeds in (None, 3)
    )
    ready = [name for name in list_selectors(settings)[0] if name != "random"]
    left_out = [name for name in STRATEGIES if name not in (*ready, "random")]
    hours, seconds = every * settings["grid"]["seconds"] / 3600, settings["grid"]["seconds"]
    return "\n".join(
        [
            f"- The default settings compare {len(ready)} selectors with random.",
            f"- They are {_join_code(ready)}.",
            f"- Left out, since their setting is not set: {_join_code(left_out)}.",
            f"- That is {every} cells: {hours:.1f} hours on one worker at {seconds} s a cell. "
            f"With `--seeds 3` it is {few}.",
        ]
    )


def tabulate_bake_off(budget: str, folder: str = BAKE_OFF) -> str:
    """Every selector of the bake-off of `folder` at one budget, or that it has not been run."""
    record = _read_bake_off(folder)
    return number_table(SELECTOR_HEADER, list_table_rows(record, budget)) if record else NOT_RUN


def write_sizes() -> str:
    """How many rows are enough, or that it has not been run."""
    if not (METRICS / "sizes/grid.csv").exists():
        return (
            "**The sizes have not been run**: there is no `metrics/sizes/grid.csv`. Run "
            "`python -m m2m grid --sizes --folder metrics/sizes`."
        )
    answer = write_sizes_answer(fit_curves(read_table(METRICS / "sizes/grid.csv", Grid), CURVE_SEED))
    return "\n".join(f"- {sentence}" for sentence in answer) + _show("sizes/sizes.svg", "bits per byte against size")


def tabulate_domains(level: str) -> str:
    """The development pool's domains or sources, each against all others, after the answer in sentences."""
    rows = json.loads((DEVELOPMENT / "domains.json").read_text())[level]
    answer = "\n".join(f"- {sentence}" for sentence in write_domains_answer(rows))
    return f"{answer}\n\n{number_table(DOMAIN_HEADER, list_domain_rows(rows))}"


def write_targeting() -> str:
    """Whether targeting or diversity wins, in sentences, a table and a figure; or that it has not been run."""
    path = METRICS / "targeting/target.json"
    if not path.exists():
        return f"**The study has not been run**: there is no `{path}`. The commands are below."
    record = json.loads(path.read_text())
    answer = "\n".join(f"- {sentence}" for sentence in write_target_answer(record))
    table = number_table(TARGET_HEADER, list_target_rows(record))
    return f"{answer}{_show('targeting/target.svg', 'gains on the target')}\n\n{table}"


def write_registered_study(folder: Path) -> str:
    """What became of each registered hypothesis of the study in `folder`, then its figure; or that none has run."""
    path = folder / "study.json"
    if not path.exists():
        return f"**The study has not been run**: there is no `{path}`. Run `make grid GRID=--full`."
    states = [hypothesis["words"] for hypothesis in json.loads(path.read_text())["hypotheses"]]
    return "\n".join(f"- {state}" for state in states) + _show(f"{folder.name}/main.svg", "bpb reduction by degree")


def tabulate_registered_study(folder: Path) -> str:
    """Every configuration of the study in `folder`; empty where none has run."""
    return tabulate_configurations(folder) if (folder / "grid.csv").exists() else ""


def _show(picture: str, text: str) -> str:
    """A paragraph with a picture of metrics/, where it is there."""
    return f"\n\n![{text}](../../metrics/{picture})" if (METRICS / picture).exists() else ""


def _join_code(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _read_bake_off(folder: str = BAKE_OFF) -> BakeOff | None:
    path = METRICS / folder / "bake_off.json"
    return json.loads(path.read_text()) if path.exists() else None


def _configurations(folder: Path) -> pl.DataFrame:
    """One row per configuration, in the order of budget, length window, strategy and degree."""
    keys = ["budget", "max_tokens", "min_tokens", "lengths", "strategy", "match", "degree", "size"]
    return (
        read_table(folder / "grid.csv", Grid)
        .group_by(keys)
        .agg(
            cells=pl.len(),
            reduction=pl.col("bpb_reduction").mean(),
            noise=pl.col("bpb_reduction").std(),
            win_rate=pl.col("likelihood_win_rate").mean(),
            length=pl.col("mean_response_tokens").mean(),
            trained=pl.col("trained_tokens").mean(),
        )
        .sort(keys, descending=[False, True, *6 * [False]])
    )


def _cell_row(row: dict[str, object]) -> tuple[str, ...]:
    return (
        _configuration(row),
        str(row["cells"]),
        f"{row['reduction']:+.4f}".replace("-", "−"),
        "–" if row["noise"] is None else f"{row['noise']:.4f}",
        f"{row['win_rate']:.3f}",
        f"{row['length']:.0f}",
        f"{row['trained']:,.0f}",
    )


def _configuration(row: dict[str, object]) -> str:
    degree = f", degree {row['degree']}"
    if row["strategy"] == "length-matched":
        name = f"length-matched to {row['match']}{degree}"
    else:
        name = f"{row['strategy']}{'' if row['strategy'] in NO_DEGREE else degree}"
    lengths = ", lengths as random" if row["lengths"] == "as-random" else ""
    window = "" if row["max_tokens"] == NO_LIMIT else f", responses of {row['min_tokens']}–{row['max_tokens']} tokens"
    return name + lengths + window + (f", {row['size']:,} tokens" if row["budget"] == "tokens" else "")


TABLES: dict[str, Callable[[], str]] = {
    "default-study-ends": tabulate_ends,
    "default-study": lambda: tabulate_configurations(METRICS),
    "development-pool": lambda: tabulate_configurations(DEVELOPMENT),
    "base-model": tabulate_base_model,
    "entropy-by-degree": tabulate_entropy,
    "entropy-rise": tabulate_entropy_rise,
    "unit-counts": tabulate_units,
    "sizes": write_sizes,
    "domains": lambda: tabulate_domains("domains"),
    "domain-sources": lambda: tabulate_domains("sources"),
    "targeting": write_targeting,
    "smollm2-hypotheses": lambda: write_registered_study(SMOLLM2),
    "smollm2-study": lambda: tabulate_registered_study(SMOLLM2),
    "bake-off-answer": write_bake_off_answer,
    "bake-off-plan": write_bake_off_plan,
    "bake-off-rows": lambda: tabulate_bake_off("rows"),
    "bake-off-tokens": lambda: tabulate_bake_off("tokens"),
    "bake-off-changed-rows": lambda: tabulate_bake_off("rows", CHANGED),
    "bake-off-changed-tokens": lambda: tabulate_bake_off("tokens", CHANGED),
}
