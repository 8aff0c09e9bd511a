"""Compare every selector with random, at equal rows and at equal tokens, in one figure."""

from pathlib import Path
from typing import Any

from m2m.grid.study_places import OWN_BAKE_OFF

RECORD, FIGURE = "bake_off.json", "bake_off"


def main(
    *,
    selectors: tuple[str, ...] = (),
    jobs: int = 0,
    seeds: int | None = None,
    folder: Path = OWN_BAKE_OFF,
    report: bool = False,
) -> None:
    """Run the cells of `grid.bake_off` in params.yaml that no experiment holds, then the record, figure and answer.

    It is a grid: if interrupted, run the same command again; it resumes. `m2m plan --bake-off` says what it costs.

    Args:
        selectors: Strategies to compare with random. Default: every strategy whose inputs are set in params.yaml.
        jobs: Cells at once. 0: one a GPU (or group of GPUs, as the launch file says), without GPUs one a core.
        seeds: Seeds of each part, at least 2. Default: all that grid.bake_off lists.
        folder: Where the cells' table, the record and the figure are written. `make bakeoff` names metrics/bake-off.
        report: Run no cell. Write the record and the figure of the cells in the folder, and print the answer.
    """
    from m2m.grid.named_parts import list_selectors, make_bake_off_parts, require_bake_off
    from m2m.grid.params.known_settings import check_settings
    from m2m.grid.params.params_file import read_settings
    from m2m.grid.params.setting_files import require_named_files
    from m2m.grid.pool_counts import count_pool, require_countable
    from m2m.grid.sweep import run_grid
    from m2m.preflight.dvc_locks import require_idle

    settings = read_settings(Path("params.yaml"))
    check_settings(settings)
    if report and (selectors or seeds is not None):
        raise ValueError("--report takes the cells as they are: name no selectors and no seeds with it")
    if report and not (folder / "grid.csv").exists():
        raise ValueError(
            f"{folder / 'grid.csv'} must hold the cells of a bake-off, and is not here: run `m2m bake-off`"
        )
    if not report:
        require_idle()
        require_named_files(settings)
        require_bake_off(settings, selectors, seeds)
        require_countable(settings)
        if not selectors:
            print(*(f"bake-off: left out: {sentence}" for sentence in list_selectors(settings)[1]), sep="\n")
        run_grid(
            settings,
            "full",
            jobs,
            folder,
            make_parts=lambda read: make_bake_off_parts(read, count_pool(read), selectors, seeds),
        )
    print(*write_bake_off(folder, settings["analyze"]), sep="\n")


def write_bake_off(folder: Path, analyze: dict[str, Any]) -> list[str]:
    """Write the record and the figure of the cells in `folder`; return the answer and the files, a line each."""
    from m2m.runtime.artifacts import read_table, write_json
    from m2m.schemas.grid import Grid
    from m2m.schemas.scores import Scores
    from m2m.study.bake_off.comparison import compare_selectors
    from m2m.study.bake_off.figure import draw_bake_off
    from m2m.study.bake_off.words import write_answer
    from m2m.study.figures.save import write_figure
    from m2m.study.study_file import require_whole_grid

    require_whole_grid(folder / "grid.csv", folder / "made.json")
    grid, scores = read_table(folder / "grid.csv", Grid), read_table(folder / "scores.parquet", Scores)
    record = compare_selectors(grid, scores, analyze["primary_outcome"], analyze["seed"], analyze["resamples"])
    write_json(folder / RECORD, dict(record))
    write_figure(folder / FIGURE, draw_bake_off(record))
    return [*write_answer(record), f"written: {folder / RECORD}, {folder / FIGURE}.svg and .png"]
