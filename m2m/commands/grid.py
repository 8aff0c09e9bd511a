"""Run the study's cells on this machine, resume it, and build the report."""

from pathlib import Path


def main(
    *,
    jobs: int = 0,
    staged: bool = False,
    quick: bool = False,
    full: bool = False,
    pilot: bool = False,
    folder: Path | None = None,
) -> None:
    """Run every cell of `grid` in params.yaml that no experiment holds with this code and data, then the report.

    If interrupted, run the same command again; it resumes. The form is one of --staged (the default), --quick, --full
    and --pilot.

    Args:
        jobs: Cells at once. 0: one a GPU (or group of GPUs, as the launch file says), without GPUs one a core.
            More than GPUs share one, if the planned memory of their trainings fits.
        staged: Every configuration with one seed, the best ones with more, the last ones and random with fresh seeds.
        quick: Three degrees, and one seed a configuration.
        full: Every cell that grid.parts lists.
        pilot: Twelve cells that measure the seed noise, for `plan`.
        folder: The study's folder. Default: metrics/own, or metrics/pilot with --pilot.
    """
    from m2m.grid.design import choose_scope
    from m2m.grid.known_settings import check_settings
    from m2m.grid.params_file import read_settings
    from m2m.grid.study_folder import OWN_STUDY, PILOT_STUDY
    from m2m.grid.sweep import run_grid

    settings = read_settings(Path("params.yaml"))
    check_settings(settings)
    scope = choose_scope(staged=staged, quick=quick, full=full, pilot=pilot)
    run_grid(settings, scope, jobs, folder or (PILOT_STUDY if pilot else OWN_STUDY))
