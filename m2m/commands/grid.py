"""Run the study's cells on this machine or on a cluster, resume it, and build the report."""

from pathlib import Path


def main(
    *,
    jobs: int = 0,
    staged: bool = False,
    quick: bool = False,
    full: bool = False,
    pilot: bool = False,
    sizes: bool = False,
    folder: Path | None = None,
    on: str = "",
    cpus: int = 0,
    hardware: str = "",
    scratch: str = "",
    sbatch: str = "",
) -> None:
    """Run every cell of `grid` in params.yaml that no experiment holds with this code and data, then the report.

    If interrupted, run the same command again; it resumes. The form is one of --staged (the default), --quick, --full
    and --pilot.

    Args:
        jobs: Cells at once; several share a GPU if their planned memory fits. 0: one a GPU (or launch group) or core.
        staged: Every configuration with one seed, the best ones with more, the last ones and random with fresh seeds.
        quick: Three degrees, and one seed a configuration.
        full: Every cell that grid.parts lists.
        pilot: Twelve cells that measure the seed noise, for `plan`.
        sizes: The cells of grid.sizes and the whole pool, all of them, then the curve for `recommend --sizes`.
        folder: The study's folder. Default: metrics/own, metrics/pilot with --pilot, metrics/own-sizes with --sizes.
        on: Where cells run: this machine (the default), `slurm`, or a Ray cluster: `auto`, HOST:PORT or ray://HOST:PORT.
        cpus: With --on: cores of a cell. 0: one for each process of the launch file.
        hardware: With --on: part of the name of the CPU or GPU to run on. Default: that of the cells so far, else this
            machine's, if a node has it. With Slurm it only accepts a kind: --sbatch "constraint=FEATURE" chooses.
        scratch: With --on: a folder of each node for clones and data, best on a local disk that outlives a job.
            Default: its temporary folder.
        sbatch: With --on slurm: further options of sbatch and srun without dashes, as "partition=long time=2:00:00".
    """
    from m2m.grid.design import choose_scope
    from m2m.grid.machines.cluster import ClusterOptions
    from m2m.grid.named_parts import make_size_parts, require_sizes
    from m2m.grid.params.known_settings import check_settings
    from m2m.grid.params.params_file import read_settings
    from m2m.grid.params.setting_files import require_named_files
    from m2m.grid.pool_counts import count_pool, require_countable
    from m2m.grid.study_places import OWN_SIZES, OWN_STUDY, PILOT_STUDY
    from m2m.grid.sweep import run_grid
    from m2m.preflight.dvc_locks import require_idle

    if not on and (cpus or hardware or scratch or sbatch):
        raise ValueError("cpus, hardware, scratch and sbatch are for a cluster: name it with --on.")
    options = ClusterOptions(on, jobs, cpus, hardware, scratch, sbatch.split()) if on else None
    settings = read_settings(Path("params.yaml"))
    check_settings(settings)
    require_idle()
    require_named_files(settings)
    scope = choose_scope(staged=staged, quick=quick, full=full, pilot=pilot)
    if not sizes:
        run_grid(settings, scope, jobs, folder or (PILOT_STUDY if pilot else OWN_STUDY), options=options)
        return
    if scope != "staged" or staged:
        raise ValueError(f"a grid has one form, got --sizes and --{scope}: choose one")
    require_sizes(settings)
    require_countable(settings)
    place = folder or OWN_SIZES
    run_grid(
        settings, "full", jobs, place, options=options, make_parts=lambda read: make_size_parts(read, count_pool(read))
    )
    _write_curve(place)


def _write_curve(folder: Path) -> None:
    """Print the answer of the cells of grid.sizes in `folder`, and draw their curve."""
    from m2m.runtime.artifacts import read_table
    from m2m.schemas.grid import Grid
    from m2m.study.figures.save import write_figure
    from m2m.study.sizes.curves import CURVE_SEED, fit_curves
    from m2m.study.sizes.figure import draw_sizes
    from m2m.study.sizes.words import write_sizes_answer

    curves = fit_curves(read_table(folder / "grid.csv", Grid), CURVE_SEED)
    print(*write_sizes_answer(curves), sep="\n")
    write_figure(folder / "sizes", draw_sizes(curves))
    print(f"written: {folder / 'sizes'}.svg and .png")
