"""Writes a study's folder from the finished cells: their metrics, scores, some answers, and their provenance."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from shutil import copyfile
from typing import Any, NamedTuple

import polars as pl

from m2m.grid.collection import REQUIRED, build_grid_table
from m2m.grid.collection_report import (
    report_counts,
    report_gaps,
    report_left_out,
    report_other_hardware,
    report_repeated,
)
from m2m.grid.design import POOL_SETTINGS, normalize_cell
from m2m.grid.dvc_experiments import PROMPTS_FILE, Experiment, locate_cached_file, predict_lock, read_experiments
from m2m.grid.pass_settings import Passes, keep_one_pass
from m2m.grid.prompt_scores import score_prompts
from m2m.grid.provenance import (
    CELL_STAGES,
    HARDWARE,
    Lock,
    add_hardware,
    collect_shared,
    find_readers,
    get_cell_settings,
    get_hardware,
    get_pass_settings,
    hash_locked_cell,
    hash_provenance,
    is_finished,
)
from m2m.runtime.artifacts import get_columns, read_table, write_json, write_table
from m2m.runtime.atomic_files import replace_file
from m2m.runtime.pandera_alone import pa
from m2m.runtime.settings import write_command
from m2m.schemas.answers import Answers
from m2m.schemas.examples import Examples
from m2m.schemas.grid import Grid
from m2m.schemas.prompts import Prompts
from m2m.schemas.scores import Scores
from m2m.schemas.verdicts import Verdicts
from m2m.strategies import SIDES
from m2m.study.cells.cells import select_comparable
from m2m.study.report.answer_examples import BASE_NAME, select_examples
from m2m.study.study_file import hash_grid

VERDICTS_FILE = "data/verdicts.parquet"
ANSWERS_FILE = "data/answers/{arm}.parquet"


class CellTables(NamedTuple):
    """The tables of one cell that a study reads."""

    prompts: pl.DataFrame
    verdicts: pl.DataFrame
    candidate: pl.DataFrame  # answers
    opponent: pl.DataFrame  # answers


def write_study_folder(
    folder: Path,
    *,
    fresh: Collection[int],
    examples: int = 6,
    current: bool = False,
    only: Collection[str] | None = None,
    hardware: str | None = None,
    lock: Lock | None = None,
) -> list[str]:
    """Write all inputs of a study into `folder`; return what was collected and left out, a line each.

    `fresh` are the seeds of a staged grid's last rung. `examples` prompts keep their answers. `current` leaves out
    cells of other code, data or settings than today's, or than `lock` has, which a grid began with. `only` leaves out
    all but the cells with these identities, `hardware` those of other kinds of hardware. ValueError if none is left.
    """
    finished = [cell for cell in read_experiments() if is_finished(cell.lock)]
    cells_of_grid = [cell for cell in finished if only is None or hash_locked_cell(cell.lock) in only]
    cells = {cell.name: cell for cell in cells_of_grid if hardware is None or get_hardware(cell.lock) == hardware}
    rows = [_make_row(cell, fresh) for cell in cells.values()]
    measured = [row for row in rows if set(REQUIRED) <= set(row)]
    lock = predict_lock() if lock is None else lock
    present = {hardware or "", *(get_hardware(cell.lock) for cell in cells.values())}
    kinds = {hash_provenance(add_hardware(lock, kind)): kind for kind in sorted(present)}
    passes = {row["experiment"]: _collect_passes(cells[row["experiment"]].lock, row) for row in measured}
    today = {name: get_pass_settings(lock, name) for read in passes.values() for name in read}
    compared = [row for row in measured if not current or _is_current(row, kinds, passes, today)]
    if measured and not compared:
        raise ValueError(
            f"None of {len(measured)} measured experiments is of today's code, data and settings. Run `make grid`, or "
            "leave out --current to collect those of the past."
        )
    if not compared:
        raise ValueError(f"None of {len(cells)} finished experiments has all metrics. Run `make grid`.")
    kept, other_passes = keep_one_pass(compared, passes, today)
    grid = build_grid_table(kept)
    _copy_histograms(cells[select_comparable(grid)["experiment"][0]], folder / "histograms")
    write_table(folder / "grid.csv", Grid, grid)
    collected = [cells[name] for name in grid["experiment"]]
    tables = {cell.name: cell_tables for cell in collected if (cell_tables := _read_tables(cell))}
    scores = [score_prompts(name, *cell) for name, cell in tables.items()]
    write_table(folder / "scores.parquet", Scores, _concatenate(scores, Scores))
    answers = [select_examples(name, cell.prompts, cell.candidate, examples) for name, cell in tables.items()]
    answers += _select_base_examples(cells[select_comparable(grid)["experiment"][0]], examples)
    write_table(folder / "examples.parquet", Examples, _concatenate(answers, Examples))
    _write_made(folder, grid, cells)
    omitted = [*report_other_hardware(len(cells_of_grid) - len(cells), hardware)]
    omitted += [*report_left_out(rows, measured, compared), *other_passes, *report_repeated(len(kept) - len(grid))]
    return [
        f"{folder / 'grid.csv'}: {report_counts(grid, kinds, hardware)}",
        *omitted,
        *report_gaps(len(collected), scores),
    ]


def _is_current(row: Mapping[str, Any], kinds: Collection[str], passes: Mapping[str, Passes], today: Passes) -> bool:
    """Whether a cell is of today's code, data and settings, those of the base model's passes too."""
    read = passes[row["experiment"]]
    return row["provenance"] in kinds and all(settings == today[name] for name, settings in read.items())


def _collect_passes(lock: Lock, cell: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The settings of the base model's passes that a cell chose by, by strategy."""
    return {name: get_pass_settings(lock, name) for name in find_readers(cell)}


def _make_row(cell: Experiment, fresh: Collection[int]) -> dict[str, Any]:
    names = {"experiment": cell.name, "revision": cell.revision[:10], "provenance": hash_provenance(cell.lock)}
    settings = normalize_cell(get_cell_settings(cell.lock))
    names |= {name: value for name, value in settings.items() if name not in POOL_SETTINGS}
    return names | {"fresh": int(settings["seed"] in fresh)} | cell.metrics


def locate_tables(cell: Experiment) -> list[Path]:
    """Where DVC's cache has the cell's tables, in the order of CellTables; they may not be there."""
    judge = cell.lock["judge"]
    arms = [judge["deps"][ANSWERS_FILE.format(arm=arm)] for arm in ("candidate", "opponent")]
    return [locate_cached_file(md5) for md5 in (judge["deps"][PROMPTS_FILE], judge["outs"][VERDICTS_FILE], *arms)]


def _read_tables(cell: Experiment) -> CellTables | None:
    """The cell's tables, if DVC's cache has all of them."""
    files = locate_tables(cell)
    if not all(file.exists() for file in files):
        return None
    schemas = (Prompts, Verdicts, Answers, Answers)
    return CellTables(*(read_table(file, schema) for file, schema in zip(files, schemas, strict=True)))


def _select_base_examples(cell: Experiment, count: int) -> list[pl.DataFrame]:
    """What the base model of `cell` answered, where DVC's cache has it."""
    path = ANSWERS_FILE.format(arm="base")
    hashes = [cell.lock["judge"]["deps"][PROMPTS_FILE], cell.lock.get("generate@base", {}).get("outs", {}).get(path)]
    files = [locate_cached_file(md5) for md5 in hashes if md5]
    if len(files) < len(hashes) or not all(file.exists() for file in files):
        return []
    return [select_examples(BASE_NAME, read_table(files[0], Prompts), read_table(files[1], Answers), count)]


def _copy_histograms(cell: Experiment, folder: Path) -> None:
    """Copy the histograms of token types in the pool of `cell`."""
    for side in SIDES:
        path = f"data/histograms/{side}.csv"
        source = locate_cached_file(cell.lock[f"band@{side}"]["outs"][path])
        if not source.exists():
            raise ValueError(f"{path} of {cell.name} is not in DVC's cache. Run dvc exp pull, or dvc repro band.")
        with replace_file(folder / f"{side}.csv") as temporary:
            copyfile(source, temporary)


def _concatenate(tables: Sequence[pl.DataFrame], schema: type[pa.DataFrameModel]) -> pl.DataFrame:
    """The tables as one, without rows if there are none."""
    return pl.concat([pl.DataFrame(schema=get_columns(schema)), *tables])


def _write_made(folder: Path, grid: pl.DataFrame, cells: Mapping[str, Experiment]) -> None:
    """Write made.json: what the cells of each provenance in `grid` were made of and when, and the table's hash."""
    file = {"grid": {"rows": len(grid), "sha256": hash_grid(folder / "grid.csv")}}
    groups: dict[str, list[Experiment]] = {}
    for name, provenance in grid.select("experiment", "provenance").iter_rows():
        groups.setdefault(provenance, []).append(cells[name])
    made = {
        name: _describe_code(group[-1]) | _describe_passes(group) | file | _describe_days(group)
        for name, group in groups.items()
    }
    write_json(folder / "made.json", made)


def _describe_passes(cells: Sequence[Experiment]) -> dict[str, dict[str, Any]]:
    """The settings of the base model's pass of each strategy or prefilter that chose by one, if any did."""
    passes: dict[str, dict[str, Any]] = {}
    for cell in cells:
        passes |= _collect_passes(cell.lock, normalize_cell(get_cell_settings(cell.lock)))
    return {"passes": dict(sorted(passes.items()))} if passes else {}


def _describe_code(cell: Experiment) -> dict[str, dict[str, str]]:
    """What a cell shares with others of its provenance, and the commands of the shared stages."""
    commands = {
        name: _write_command(stage) for name, stage in cell.lock.items() if name not in (*CELL_STAGES, HARDWARE)
    }
    return collect_shared(cell.lock) | {"commands": commands} | ({"base": dict(cell.base)} if cell.base else {})


def _describe_days(cells: Sequence[Experiment]) -> dict[str, dict[str, str]]:
    """When the first and the last of the cells ran, by the days of their commits."""
    days = sorted(cell.day for cell in cells)
    return {"days": {"first": days[0], "last": days[-1]}}


def _write_command(stage: Mapping[str, Any]) -> str:
    """The stage's command with the settings that it read, as DVC locked them, each flag and value a word."""
    settings: dict[str, Any] = {}
    for name, value in stage["params"].items():
        *blocks, key = name.split(".")
        block = settings
        for inner in blocks:
            block = block.setdefault(inner, {})
        block[key] = value
    return write_command(stage["cmd"], settings)
