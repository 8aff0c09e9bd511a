"""Run the study's cells on this machine, resume it, and build the report."""

from pathlib import Path


def main(*, jobs: int = 0, quick: bool = False, full: bool = False) -> None:
    """Run every cell of `grid` in params.yaml that no experiment holds with this code and data, then the report.

    If interrupted, run the same command again; it resumes.

    Args:
        jobs: Cells at once. 0: one a GPU (or group of GPUs, as the launch file says), without GPUs one a core.
        quick: Three degrees, and one seed a configuration.
        full: All seven degrees.
    """
    from m2m.grid.design import choose_scope
    from m2m.grid.known_settings import check_settings
    from m2m.grid.params_file import read_settings
    from m2m.grid.sweep import run_grid

    settings = read_settings(Path("params.yaml"))
    check_settings(settings)
    run_grid(settings, choose_scope(quick, full), jobs)
