"""Compare the domains of a study's prompts: does what holds on all others hold on each?"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

DOMAINS_FILE, TARGET_FILE, TARGET_FIGURE = "domains.json", "target.json", "target"


def main(folder: Path, /, *, target: str | None = None) -> None:
    """Leave out one domain at a time; print a row a domain, and a row a source, and write FOLDER/domains.json.

    Nothing is trained: the scores by prompt of the study's cells are used. FOLDER/domains.csv names the source and the
    domain of each prompt. Without it, a prompt's group is its domain, such as the package of a docstring.

    Args:
        folder: A study's folder, with grid.csv and scores.parquet, such as metrics/development.
        target: A group of prompts that cells chose rows for, such as docstrings/scipy. Then the gains on it and on
            all other prompts are compared, and FOLDER/target.json is written: does targeting win, or diversity?
    """
    from m2m.grid.params.known_settings import check_settings
    from m2m.grid.params.params_file import read_settings
    from m2m.runtime.artifacts import read_table, write_json
    from m2m.schemas.domains import Domains
    from m2m.schemas.grid import Grid
    from m2m.schemas.scores import Scores
    from m2m.study.domains.transfer import leave_out_domains
    from m2m.study.domains.words import DOMAIN_HEADER, list_domain_rows, write_domains_answer
    from m2m.study.study_file import require_whole_grid

    settings = read_settings(Path("params.yaml"))
    check_settings(settings)
    analyze = settings["analyze"]
    require_whole_grid(folder / "grid.csv", folder / "made.json")
    grid, scores = read_table(folder / "grid.csv", Grid), read_table(folder / "scores.parquet", Scores)
    if target:
        _compare_on_target(folder, grid, scores, target, analyze)
        return
    levels = {"domains": {row["id"]: row["group"] for row in scores.select("id", "group").unique().to_dicts()}}
    if (folder / "domains.csv").exists():
        table = read_table(folder / "domains.csv", Domains)
        levels = {f"{name}s": dict(zip(table["id"], table[name], strict=True)) for name in ("domain", "source")}
    record = {}
    for level, labels in levels.items():
        outcome, seed, resamples = (analyze[key] for key in ("primary_outcome", "seed", "resamples"))
        record[level] = leave_out_domains(grid, scores, labels, outcome, seed, resamples)
        print(f"{level}: {folder}", *write_domains_answer(record[level]), sep="\n")
        print(*(" | ".join(row) for row in (DOMAIN_HEADER, *list_domain_rows(record[level]))), "", sep="\n")
    write_json(folder / DOMAINS_FILE, record)
    print(f"written: {folder / DOMAINS_FILE}")


def _compare_on_target(
    folder: Path, grid: "pl.DataFrame", scores: "pl.DataFrame", target: str, analyze: dict[str, Any]
) -> None:
    """Print the answer and a row a selector, and write the record and the figure of the target's prompts."""
    from m2m.runtime.artifacts import write_json
    from m2m.study.bake_off.figure import draw_bake_off
    from m2m.study.domains.target import compare_on_target
    from m2m.study.domains.target_words import TARGET_HEADER, list_target_rows, write_target_answer
    from m2m.study.figures.save import write_figure

    outcome, seed, resamples = (analyze[key] for key in ("primary_outcome", "seed", "resamples"))
    record = compare_on_target(grid, scores, target, outcome, seed, resamples)
    write_json(folder / TARGET_FILE, dict(record))
    write_figure(folder / TARGET_FIGURE, draw_bake_off(record["here"]))
    print(*write_target_answer(record), sep="\n")
    print(*(" | ".join(row) for row in (TARGET_HEADER, *list_target_rows(record))), "", sep="\n")
    print(f"written: {folder / TARGET_FILE}, {folder / TARGET_FIGURE}.svg and .png")
